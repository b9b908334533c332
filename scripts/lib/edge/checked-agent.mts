/** An HTTPS agent that checks the server's certificate before it sends a request. */
import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'

/** Seconds for an answer and for the handshake, unless the options say otherwise. */
const DEADLINE = 10

/** Its connections are given to requests only after the handshake. */
export class CheckedAgent extends https.Agent {
  constructor(
    private readonly connect: (options: tls.ConnectionOptions) => Promise<tls.TLSSocket>,
    options: https.AgentOptions,
  ) {
    // No session reuse: each handshake shows the current certificate.
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

/** Connects and waits for the handshake; throws openssl's error if the certificate is not trusted. */
export function handshake(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const socket = tls.connect(options)
  const late = () => socket.destroy(new Error('no connection in time'))
  const overdue = setTimeout(late, options.timeout ?? DEADLINE * 1000)
  return new Promise<tls.TLSSocket>((resolve, reject) => {
    socket.on('error', reject).once('secureConnect', () => resolve(socket))
  }).finally(() => clearTimeout(overdue))
}
