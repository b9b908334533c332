/** Requests to the site over HTTP/2, on a kept connection or on a fresh one. */
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Site } from './site.mts'

/** How often a request is sent if the server refuses it each time. */
const TRIES = 3
/** Node's error when the server refused a stream, by RST_STREAM or by GOAWAY. */
const REFUSED = /NGHTTP2_REFUSED_STREAM|GOAWAY/

export interface Answered {
  status: number
  /** Whether it is the maintenance page. */
  closed: boolean
}

/** The header of the maintenance page; no other response has it (nginx.conf). */
export const CLOSED = 'x-maintenance'

export class Http2 {
  #kept: Promise<ClientHttp2Session> | undefined

  /** @param timeout seconds for a connection */
  constructor(
    private readonly site: Site,
    private readonly timeout: number,
  ) {}

  /**
   * Sends a request and waits for the whole response; throws without one. While nginx is reloaded, it may refuse a
   * request. The server has not processed such a request (RFC 9113, 8.7): it is sent again, as browsers and curl do.
   */
  async ask(path: string, fresh: boolean, signal: AbortSignal): Promise<Answered> {
    for (let left = TRIES - 1; ; left--) {
      const session = await (fresh ? this.#open() : this.#keep())
      try {
        return await this.#request(session, path, signal)
      } catch (error) {
        if (left === 0 || !REFUSED.test(`${error}`)) throw error
      } finally {
        if (fresh) session.close()
      }
    }
  }

  close(): void {
    this.#kept?.then((session) => session.destroy()).catch(() => {})
  }

  async #open(): Promise<ClientHttp2Session> {
    const agent = this.site.agent()
    const request = this.site.secure('/', agent)
    // In the options of a connection, `path` means a Unix socket.
    const options = {
      ...request,
      path: request.socketPath,
      ALPNProtocols: ['h2'],
      timeout: this.timeout * 1000,
    }
    const socket = await new Promise<Duplex>((resolve, reject) => {
      agent.createConnection(options, (error, socket) => (error ? reject(error) : resolve(socket)))
    })
    const session = connect(this.site.url(''), { createConnection: () => socket })
    session.on('error', () => {}) // each request gets the error itself
    session.setMaxListeners(0) // one for each request under way
    return session
  }

  /** The kept connection; a new one as soon as the server accepts no more requests on it. */
  #keep(): Promise<ClientHttp2Session> {
    if (this.#kept) return this.#kept
    const kept = this.#open()
    this.#kept = kept
    const forget = () => {
      if (this.#kept === kept) this.#kept = undefined
    }
    kept.then((session) => session.once('goaway', forget).once('close', forget), forget)
    return kept
  }

  #request(session: ClientHttp2Session, path: string, signal: AbortSignal): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const request = session.request({ ':path': path }, { signal })
      let answered: Answered | undefined
      let end = 'the connection was closed before the answer'
      const goaway = (_code: number, last: number) => {
        if ((request.id ?? 0) > last) end = 'refused by GOAWAY'
      }
      session.on('goaway', goaway)
      request.on('response', (headers) => {
        answered = { status: Number(headers[':status']), closed: CLOSED in headers }
      })
      request.on('error', reject)
      request.on('end', () => (answered ? resolve(answered) : undefined))
      request.on('close', () => {
        session.off('goaway', goaway)
        reject(new Error(end))
      })
      request.resume()
    })
  }
}
