/** HTTPS connections whose certificate is found good before a request is sent, by whoever makes them. */
import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'

/** Seconds; also for the handshake. A client with another deadline names its own. */
const DEADLINE = 10

/** Hands out a connection when the handshake is over, and not before. */
export class CheckedAgent extends https.Agent {
  constructor(
    private readonly connect: (options: tls.ConnectionOptions) => Promise<tls.TLSSocket>,
    options: https.AgentOptions,
  ) {
    // No session reuse: each handshake shows the certificate of now.
    super({ timeout: DEADLINE * 1000, maxCachedSessions: 0, ...options })
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.connect(options as tls.ConnectionOptions).then(
      (socket) => callback?.(null, socket),
      (error) => callback?.(error, undefined as never),
    )
  }
}

/** A connection whose handshake is over; throws what openssl has against the certificate. */
export function handshake(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const socket = tls.connect(options)
  const late = () => socket.destroy(new Error('no connection in time'))
  const overdue = setTimeout(late, options.timeout ?? DEADLINE * 1000)
  return new Promise<tls.TLSSocket>((resolve, reject) => {
    socket.on('error', reject).once('secureConnect', () => resolve(socket))
  }).finally(() => clearTimeout(overdue))
}
