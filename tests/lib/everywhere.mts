/** A client that knows all addresses of a site and tries the next one when one refuses, as browsers do. */
import https from 'node:https'
import type { CheckedAgent } from '../../scripts/lib/edge/checked-agent.mts'
import type { Site } from '../../scripts/lib/edge/site.mts'
import { until } from './until.mts'

/**
 * Requests at a time to one address; others wait. Browsers have six or so. Without a limit, each request of a second without
 * answers makes a connection of its own, and their handshakes take the processors that the site needs to answer again.
 */
const PLACES = 16
/** Milliseconds for a connection; then the next address is tried. A busy machine takes long for a handshake. */
const CONNECT = 3000
/** Milliseconds for an answer. */
const PATIENCE = 20_000
/** Milliseconds for which an address that refused is tried last. */
const AVOIDED = 5000

export interface Asked {
  page: string
  /** Milliseconds since 1970. */
  due: number
  took: number
  /** Empty: it was answered. */
  error: string
  /** The address that failed it. */
  address: string
}

/** One address, its kept connections, and the requests that wait for one. */
class Door {
  readonly agent: CheckedAgent
  /** Milliseconds since 1970 until which it is tried last. */
  avoided = 0
  #places = PLACES
  readonly #waiting: ((refused: string) => void)[] = []

  constructor(readonly site: Site) {
    this.agent = site.agent({ keepAlive: true })
  }

  /** One request. `sent`: it was connected, so another address must not be asked. */
  async ask(page: string): Promise<{ sent: boolean; error: string }> {
    if (this.#places > 0) this.#places--
    else {
      const refused = await new Promise<string>((resolve) => this.#waiting.push(resolve))
      if (refused) return { sent: false, error: refused }
    }
    const answer = await once(this, page)
    if (answer.error && !answer.sent) this.#refuse(answer.error)
    const next = this.#waiting.shift()
    if (next) next('')
    else this.#places++
    return answer
  }

  /** Sends those that wait to another address. */
  #refuse(error: string): void {
    this.avoided = Date.now() + AVOIDED
    for (const next of this.#waiting.splice(0)) next(error)
  }
}

export class Everywhere {
  readonly samples: Asked[] = []
  readonly #doors: Door[]
  readonly #open = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  private constructor(
    sites: readonly Site[],
    rate: number,
    private readonly page: (number: number) => string,
  ) {
    this.#doors = sites.map((site) => new Door(site))
    const began = Date.now()
    let number = 0
    this.#timer = setInterval(() => {
      for (; began + (number * 1000) / rate <= Date.now(); number++) this.#begin(number)
    }, 5)
  }

  /** Returns once requests are answered. @param rate requests per second @param page of each, by its number */
  static async start(sites: readonly Site[], rate: number, page = (_: number) => '/'): Promise<Everywhere> {
    const client = new Everywhere(sites, rate, page)
    await until('the client is answered', async () => client.samples.length > 0)
    return client
  }

  /** Waits for the open requests; returns the ones that were due since then. */
  async since(moment: number): Promise<Asked[]> {
    const now = Date.now()
    await Promise.all(this.#open)
    return this.samples.filter(({ due }) => due >= moment && due <= now)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
    for (const { agent } of this.#doors) agent.destroy()
  }

  #begin(number: number): void {
    const asked = this.#ask(number)
    this.#open.add(asked)
    asked.finally(() => this.#open.delete(asked))
  }

  async #ask(number: number): Promise<void> {
    const due = Date.now()
    const page = this.page(number)
    const turn = this.#doors.map((_, index) => this.#doors[(number + index) % this.#doors.length] as Door)
    const doors = [
      ...turn.filter(({ avoided }) => avoided < due),
      ...turn.filter(({ avoided }) => avoided >= due),
    ]
    let last = { error: '', address: '' }
    for (const door of doors) {
      const { sent, error } = await door.ask(page)
      last = { error, address: door.site.location.address }
      if (!error || sent) break
    }
    this.samples.push({ page, due, took: Date.now() - due, ...last })
  }
}

function once({ site, agent }: Door, page: string): Promise<{ sent: boolean; error: string }> {
  return new Promise((resolve) => {
    let sent = false
    const request = https.get(site.secure(page, agent), (response) => {
      const { statusCode = 0 } = response
      response.on('end', () => end(statusCode === 200 ? '' : `answered ${statusCode}`))
      response.on('error', ({ message }) => end(message))
      response.resume()
    })
    const end = (error: string, heard = sent) => {
      clearTimeout(connecting)
      clearTimeout(waiting)
      resolve({ sent: heard, error })
    }
    // Timers of our own: Node reports nothing for a request that is aborted while it waits for a connection.
    const late = (error: string) => {
      end(error)
      request.destroy()
    }
    const connecting = setTimeout(() => sent || late('no connection'), CONNECT)
    const waiting = setTimeout(() => late('no answer in time'), PATIENCE)
    // The agent gives a socket once it is connected.
    request.on('socket', () => {
      sent = true
    })
    // A kept connection may just be closing. Browsers repeat such a request.
    request.on('error', ({ message, code }: NodeJS.ErrnoException) =>
      end(message, sent && !(request.reusedSocket && code === 'ECONNRESET')),
    )
  })
}
