/** A client that knows all addresses of a site and tries the next one when one refuses, as browsers do. */
import https from 'node:https'
import type { CheckedAgent } from '../../scripts/lib/edge/checked-agent.mts'
import type { Site } from '../../scripts/lib/edge/site.mts'
import { until } from './until.mts'

/** Requests per second. */
const RATE = 25
/** Milliseconds for a connection; then the next address is tried. A busy machine takes long for a handshake. */
const CONNECT = 3000
/** Milliseconds for an answer. */
const PATIENCE = 20_000
/** Milliseconds for which an address that refused is tried last. */
const AVOIDED = 5000

export interface Asked {
  /** Milliseconds since 1970. */
  due: number
  took: number
  /** Empty: it was answered. */
  error: string
  /** The address that failed it. */
  address: string
}

interface Door {
  site: Site
  agent: CheckedAgent
  /** Milliseconds since 1970 until which it is tried last. */
  avoided: number
}

export class Everywhere {
  readonly samples: Asked[] = []
  readonly #doors: Door[]
  readonly #open = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  private constructor(sites: readonly Site[], rate: number) {
    this.#doors = sites.map((site) => ({
      site,
      avoided: 0,
      agent: site.agent({ keepAlive: true }),
    }))
    const began = Date.now()
    let number = 0
    this.#timer = setInterval(() => {
      for (; began + (number * 1000) / rate <= Date.now(); number++) this.#begin(number)
    }, 5)
  }

  /** Returns once requests are answered. @param rate requests per second */
  static async start(sites: readonly Site[], rate = RATE): Promise<Everywhere> {
    const client = new Everywhere(sites, rate)
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
    const turn = this.#doors.map((_, index) => this.#doors[(number + index) % this.#doors.length] as Door)
    const doors = [
      ...turn.filter(({ avoided }) => avoided < due),
      ...turn.filter(({ avoided }) => avoided >= due),
    ]
    let last = { error: '', address: '' }
    for (const door of doors) {
      const { sent, error } = await once(door)
      last = { error, address: door.site.location.address }
      if (!error || sent) break
      door.avoided = Date.now() + AVOIDED
    }
    this.samples.push({ due, took: Date.now() - due, ...last })
  }
}

/** One request at one address. `sent`: it was connected, so another address must not be asked. */
function once({ site, agent }: Door): Promise<{ sent: boolean; error: string }> {
  return new Promise((resolve) => {
    let sent = false
    const request = https.get(site.secure('/', agent), (response) => {
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
