/** Requests exactly as written: no client library that tidies a path up before it leaves. */
import net from 'node:net'
import tls from 'node:tls'

export interface RawAnswer {
  /** 0: the connection was closed without an answer. */
  status: number
  text: string
}

/**
 * Sends the bytes, over TLS unless told, and reads until the server closes; they should ask it to.
 * @param patience seconds of silence
 */
export function raw(port: number, bytes: string, secure = true, patience = 5): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let text = ''
    const socket = secure
      ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : net.connect({ port, host: '127.0.0.1' })
    const end = () => {
      socket.destroy()
      resolve({ status: Number(/^HTTP\/\S+ (\d+)/.exec(text)?.[1] ?? 0), text })
    }
    socket.once(secure ? 'secureConnect' : 'connect', () => socket.write(bytes, 'latin1'))
    socket.setTimeout(patience * 1000, end)
    socket.on('data', (data) => {
      text += data
    })
    socket.on('error', end)
    socket.on('end', end)
  })
}

/**
 * Sends many requests over few connections; returns the status of each answered one. A request that makes the server
 * close the connection is followed by the rest on another one.
 * @param requests without `Connection: close`
 */
export async function pipelined(port: number, requests: readonly string[]): Promise<number[]> {
  const statuses: number[] = []
  while (statuses.length < requests.length) {
    const rest = requests.slice(statuses.length)
    const last = message('GET', '/the-last-of-this-connection')
    const { text } = await raw(port, [...rest, last].join(''), true, 60)
    const answered = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status))
    if (answered.length === 0) throw new Error(`no answer to ${JSON.stringify(rest[0])}`)
    statuses.push(...answered.slice(0, rest.length))
  }
  return statuses
}

/** A request's bytes: HTTP/1.1 with a Host, or 1.0 without one; the connection is closed after it. */
export function message(method: string, target: string, headers: string[] = [], version = '1.1'): string {
  return keptMessage(method, target, ['Connection: close', ...headers], version)
}

/** The same, and the connection stays open. */
export function keptMessage(method: string, target: string, headers: string[] = [], version = '1.1'): string {
  const host = version === '1.0' ? [] : ['Host: localhost']
  return `${[`${method} ${target} HTTP/${version}`, ...host, ...headers].join('\r\n')}\r\n\r\n`
}

/** Whether a TCP connection comes about. */
export function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 3_000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', () => end(true))
    socket.on('timeout', () => end(false))
    socket.on('error', () => end(false))
  })
}
