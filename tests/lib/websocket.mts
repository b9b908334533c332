/** A WebSocket by hand (RFC 6455): no client library is among the packages, and the frames of a test are short. */
import { randomBytes } from 'node:crypto'
import tls from 'node:tls'

export class WebSocketClient {
  #received = Buffer.alloc(0)
  #waiting: (() => void) | undefined
  /** Whether the connection has ended. */
  ended = false

  private constructor(private readonly socket: tls.TLSSocket) {
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data])
      this.#waiting?.()
    })
    const end = () => {
      this.ended = true
      this.#waiting?.()
    }
    socket.on('close', end)
    socket.on('error', end)
  }

  /** Opens one; throws what the server said instead of 101. */
  static async open(port: number, page: string, headers: string[] = []): Promise<WebSocketClient> {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    const client = new WebSocketClient(socket)
    const key = `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`
    const lines = [
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      key,
    ]
    socket.write(`GET ${page} HTTP/1.1\r\n${[...lines, ...headers].join('\r\n')}\r\n\r\n`)
    const head = await client.#until(() => client.#received.indexOf('\r\n\r\n') + 1)
    const text = client.#take(head + 3).toString()
    if (!text.startsWith('HTTP/1.1 101 ')) throw new Error(text)
    return client
  }

  /** Sends a text of at most 125 bytes and returns what comes back. */
  async echo(text: string): Promise<string> {
    const data = Buffer.from(text)
    const mask = randomBytes(4)
    const masked = data.map((byte, index) => byte ^ (mask[index % 4] as number))
    this.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | data.length]), mask, masked]))
    await this.#until(() => Number(this.#received.length >= 2 + data.length))
    return this.#take(2 + data.length)
      .subarray(2)
      .toString()
  }

  close(): void {
    this.socket.destroy()
  }

  /** Waits until the check gives something but 0, and returns that. */
  async #until(check: () => number): Promise<number> {
    for (;;) {
      const found = check()
      if (found > 0) return found
      if (this.ended) throw new Error(`the connection ended: ${this.#received}`)
      await new Promise<void>((resolve) => {
        this.#waiting = resolve
      })
    }
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }
}
