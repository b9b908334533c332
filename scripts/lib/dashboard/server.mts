/** The page's own web server: on this machine's loopback alone, for whoever has the token, and for reading. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { STYLE } from '../page/style.mts'
import type { Parts } from './parts.mts'

/** Milliseconds between two looks at what has changed. */
const INTERVAL = 1000

/** Bytes of the token. */
const TOKEN = 24

const HEADERS = {
  // Nothing is fetched from elsewhere, and nothing that a text might bring along is run.
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

interface Pages {
  /** Of the document. */
  page: string
  /** What changes of it, as it is now. */
  parts(): Parts
  /** Told when the first page is opened, and when the last one is closed. */
  opened(): void
  closed(): void
}

/** @returns what to open: an address that only this machine reaches, on a port that was free */
export async function serve(pages: Pages): Promise<{ url: string; server: Server }> {
  const token = randomBytes(TOKEN).toString('base64url')
  const events = new Events(pages)
  const program = readFileSync(path.join(import.meta.dirname, 'client.js'), 'utf8')
  const files = new Map([
    ['', { type: 'text/html', body: pages.page }],
    ['page.css', { type: 'text/css', body: STYLE }],
    ['client.js', { type: 'text/javascript', body: program }],
  ])
  const server = createServer((request, response) => {
    const name = nameOf(request, token)
    if (name === undefined)
      return refuse(response, 404, 'Open the address that npm run dashboard has printed.')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(response, 405, 'This page only shows.')
    if (name === 'events' && request.method === 'GET') return events.join(response)
    const file = files.get(name)
    if (!file) return refuse(response, 404, 'There is no such page.')
    response.writeHead(200, { ...HEADERS, 'Content-Type': `${file.type}; charset=utf-8` }).end(file.body)
  })
  const { port } = await listen(server)
  return { url: `http://127.0.0.1:${port}/${token}/`, server }
}

async function listen(server: Server): Promise<AddressInfo> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address() as AddressInfo
}

/** What is asked for behind the token; undefined for a request that does not come from our own page. */
function nameOf({ url = '', headers }: IncomingMessage, token: string): string | undefined {
  const [, given = '', name] = /^\/([^/]*)\/([^?]*)/.exec(url) ?? []
  const [ours, theirs] = [Buffer.from(token), Buffer.from(given)]
  // Another site's name may lead to this address, too (DNS rebinding).
  const here = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? '')
  return here && ours.length === theirs.length && timingSafeEqual(ours, theirs) ? name : undefined
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' }).end(`${why}\n`)
}

/** Server-sent events: each open page is sent what has changed. */
class Events {
  readonly #open = new Set<ServerResponse>()
  #sent: Parts = {}
  #timer: NodeJS.Timeout | undefined

  constructor(private readonly pages: Pages) {}

  join(response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' })
    if (this.#open.size === 0) {
      this.pages.opened()
      this.#timer = setInterval(() => this.#send(), INTERVAL)
    }
    this.#send() // to the others: they have seen all that this page is told now
    this.#open.add(response)
    response.once('close', () => this.#leave(response))
    response.write(eventOf(this.#sent))
  }

  #leave(response: ServerResponse): void {
    this.#open.delete(response)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.pages.closed()
  }

  #send(): void {
    const now = this.pages.parts()
    const changed = Object.entries(now).filter(([id, part]) => this.#sent[id] !== part)
    this.#sent = now
    if (changed.length === 0) return
    for (const response of this.#open) response.write(eventOf(Object.fromEntries(changed)))
  }
}

/** JSON is one line. */
const eventOf = (parts: Parts) => `data: ${JSON.stringify(parts)}\n\n`
