/** HTTPS connections that are looked at before a request is sent. */
import type { RequestOptions } from 'node:https'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'

/** Seconds; also for the handshake. A client with another deadline names its own. */
const DEADLINE = 10

/** Hands out a connection when the handshake is over and nothing is refused about it, and not before. */
export class CheckedAgent extends https.Agent {
  constructor(
    private readonly refusal: (socket: tls.TLSSocket) => Promise<string | undefined>,
    options: https.AgentOptions,
  ) {
    // No session reuse: each handshake shows the certificate of now.
    super({ timeout: DEADLINE * 1000, maxCachedSessions: 0, ...options })
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const socket = tls.connect({ ...(options as tls.ConnectionOptions), rejectUnauthorized: false })
    const overdue = setTimeout(
      () => socket.destroy(new Error('no connection in time')),
      options.timeout ?? DEADLINE * 1000,
    )
    const end = (error: Error | null) => {
      clearTimeout(overdue)
      socket.off('error', end)
      if (error) socket.destroy()
      callback?.(error, socket)
    }
    socket.once('error', end)
    socket.once('secureConnect', () =>
      this.refusal(socket).then(
        (refusal) => end(refusal ? new Error(refusal) : null),
        (error) => end(error),
      ),
    )
  }
}
