/** Requests to the site over HTTP/2, on a connection that is kept or on a fresh one. */
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Site } from './site.mts'

/** How often a request is asked that is refused each time. */
const TRIES = 3
/** How node tells that a stream was refused, by its own frame or by GOAWAY. */
const REFUSED = /NGHTTP2_REFUSED_STREAM|GOAWAY/

export interface Answered {
  status: number
  /** Whether it was maintenance that answered. */
  closed: boolean
}

/** The header that only maintenance has: nginx.conf. */
export const CLOSED = 'x-maintenance'

export class Http2 {
  #kept: Promise<ClientHttp2Session> | undefined

  /** @param timeout seconds for a connection */
  constructor(
    private readonly site: Site,
    private readonly timeout: number,
  ) {}

  /**
   * What was answered, when all of it is there. Throws when nothing is. A request that the server refused was not
   * processed (RFC 9113, 8.7), which happens while nginx is reloaded: it is asked again, as browsers and curl do.
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
    const way = this.site.secure('/', agent)
    // Of a connection, `path` is the socket's, where there is one.
    const options = { ...way, path: way.socketPath, ALPNProtocols: ['h2'], timeout: this.timeout * 1000 }
    const socket = await new Promise<Duplex>((resolve, reject) => {
      agent.createConnection(options, (error, socket) => (error ? reject(error) : resolve(socket)))
    })
    const session = connect(this.site.url(''), { createConnection: () => socket })
    session.on('error', () => {}) // each request hears of it
    session.setMaxListeners(0) // as many as requests under way
    return session
  }

  /** The connection that is kept; another one as soon as the server takes no more requests on it. */
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
