/**
 * A client that asks the public address again and again while something happens. Open loop: every request has its
 * time by the clock and is sent then, however the ones before are doing, so that a stall counts as all the requests
 * it would have cost (and latency is measured from the time the request was due).
 */
import https, { type Agent } from 'node:https'
import type { Site } from './site.mts'

export interface ProbeOptions {
  site: Site
  /** The page asked for. */
  path: string
  /** Requests per second; every other one on a fresh connection. */
  rate: number
  /** Seconds after which a request counts as failed. */
  timeout: number
  /** Requests that may be open at once: one that is due beyond them is left out, and the loop is open no more. Default: any number. */
  most?: number
}

export interface Sample {
  /** Milliseconds since 1970 at which the request was due. */
  due: number
  /** Milliseconds from then to the end of the answer, or to the failure. */
  took: number
  status: number
  /** Empty when the answer was 2xx or 3xx. */
  error: string
  /** What was going on when it failed. */
  during: string
}

/** Connections that the kept half of the requests shares. */
const KEPT_CONNECTIONS = 16

export class Probe {
  readonly samples: Sample[] = []
  readonly #options: ProbeOptions
  readonly #kept: Agent
  readonly #fresh: Agent
  readonly #open = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #during = () => ''

  constructor(options: ProbeOptions) {
    this.#options = options
    const timeout = options.timeout * 1000
    this.#kept = options.site.agent({ timeout, keepAlive: true, maxSockets: KEPT_CONNECTIONS })
    this.#fresh = options.site.agent({ timeout, keepAlive: false })
  }

  /** One request now, outside of the count. */
  async once(): Promise<Sample[]> {
    await this.#ask(Date.now(), true)
    return this.samples.splice(0)
  }

  /** @param during tells what is going on, for the samples that fail */
  start(during = () => ''): this {
    this.#during = during
    const { rate, most = Number.POSITIVE_INFINITY } = this.#options
    const began = Date.now()
    const interval = 1000 / rate
    let number = 0
    this.#timer = setInterval(
      () => {
        for (; began + number * interval <= Date.now(); number++) {
          if (this.#open.size >= most) continue
          const asked = this.#ask(began + number * interval, number % 2 === 0)
          this.#open.add(asked)
          asked.finally(() => this.#open.delete(asked))
        }
      },
      Math.max(1, interval / 4),
    )
    return this
  }

  /** Sends no more requests and waits for the open ones. */
  async stop(): Promise<Sample[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
    this.#kept.destroy()
    this.#fresh.destroy()
    return this.samples
  }

  #ask(due: number, fresh: boolean): Promise<void> {
    return new Promise((resolve) => {
      const { site, path, timeout } = this.#options
      const end = (status: number, error: string) => {
        clearTimeout(overdue)
        this.samples.push({ due, took: Date.now() - due, status, error, during: error && this.#during() })
        resolve()
      }
      // A timer of our own: node tells nothing of a request that is given up while it waits for a connection.
      const overdue = setTimeout(() => {
        request.removeAllListeners('error').on('error', () => {})
        request.destroy()
        end(0, `no answer within ${timeout} s`)
      }, timeout * 1000)
      const request = https.get(site.secure(path, fresh ? this.#fresh : this.#kept), (response) => {
        const status = response.statusCode ?? 0
        response.on('end', () => end(status, status < 400 ? '' : `answered ${status}`))
        response.on('error', (error) => end(status, error.message))
        response.resume()
      })
      request.on('error', (error) => end(0, error.message))
    })
  }
}

export interface Summary {
  requests: number
  failed: Sample[]
  /** Milliseconds. */
  slowest: number
  median: number
  p99: number
}

export function summarize(samples: readonly Sample[]): Summary {
  const times = samples.map(({ took }) => took).sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  const failed = samples.filter(({ error }) => error !== '')
  return { requests: samples.length, failed, slowest: times.at(-1) ?? 0, median: at(0.5), p99: at(0.99) }
}
