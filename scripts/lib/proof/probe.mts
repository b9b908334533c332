/**
 * A client that sends requests to the public address. The loop is open: each request is sent when it is due, whether or
 * not earlier ones are answered, and its latency is measured from then. So a stall counts as all the requests that it
 * would have cost.
 */
import https, { type Agent } from 'node:https'
import { say } from '../cli/say.mts'
import { type Answered, CLOSED, Http2 } from '../edge/http2.mts'
import type { Site } from '../edge/site.mts'

interface ProbeOptions {
  site: Site
  /** The page to ask for. */
  path: string
  /** Requests per second. One in two has a fresh connection; one in four, of either kind, goes by HTTP/2. */
  rate: number
  /** Seconds after which a request counts as failed. */
  timeout: number
  /** How many requests may be open at once. A request beyond them is left out, and the loop is not open then. Default: no limit. */
  most?: number
}

export interface Sample {
  /** Milliseconds since 1970 at which the request was due. */
  due: number
  /** Milliseconds from then to the end of the answer or to the failure. */
  took: number
  status: number
  /** Empty if the answer was below 400, or maintenance's page. */
  error: string
  /** Whether maintenance was on. */
  closed?: boolean
  /** The step that was under way when it failed. */
  during: string
}

/** Connections that are kept, for half of the requests. */
const KEPT_CONNECTIONS = 16

export class Probe {
  readonly samples: Sample[] = []
  readonly #options: ProbeOptions
  readonly #kept: Agent
  readonly #fresh: Agent
  readonly #http2: Http2
  readonly #open = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #during = () => ''

  constructor(options: ProbeOptions) {
    this.#options = options
    const timeout = options.timeout * 1000
    this.#kept = options.site.agent({ timeout, keepAlive: true, maxSockets: KEPT_CONNECTIONS })
    this.#fresh = options.site.agent({ timeout, keepAlive: false })
    this.#http2 = new Http2(options.site, options.timeout)
  }

  /** Sends one request that does not count. */
  async once(): Promise<Sample[]> {
    await this.#ask(Date.now(), 0)
    return this.samples.splice(0)
  }

  /** @param during says which step is under way */
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
          const asked = this.#ask(began + number * interval, number)
          this.#open.add(asked)
          asked.finally(() => this.#open.delete(asked))
        }
      },
      Math.max(1, interval / 4),
    )
    return this
  }

  /** Sends no more requests, and waits for the open ones. */
  async stop(): Promise<Sample[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#open)
    this.#kept.destroy()
    this.#fresh.destroy()
    this.#http2.close()
    return this.samples
  }

  async #ask(due: number, number: number): Promise<void> {
    const { path, timeout } = this.#options
    const fresh = number % 2 === 0
    const given = new AbortController()
    const asked = HTTP2.includes(number % 8)
      ? this.#http2.ask(path, fresh, given.signal)
      : this.#ask1(fresh, given.signal)
    let overdue: NodeJS.Timeout | undefined
    // A timer of its own: Node reports nothing for a request that is aborted while it waits for a connection.
    const late = new Promise<never>((_, reject) => {
      overdue = setTimeout(() => reject(new Error(`no answer within ${timeout} s`)), timeout * 1000)
    })
    const { status, error, closed } = await Promise.race([asked, late]).then(
      ({ status, closed }) => ({ status, closed, error: status < 400 || closed ? '' : `answered ${status}` }),
      (error) => ({ status: 0, closed: false, error: error.message }),
    )
    clearTimeout(overdue)
    asked.catch(() => {})
    given.abort()
    const during = error && this.#during()
    this.samples.push({ due, took: Date.now() - due, status, error, during, ...(closed && { closed }) })
  }

  /** By HTTP/1.1. */
  #ask1(fresh: boolean, signal: AbortSignal): Promise<Answered> {
    const { site, path } = this.#options
    const options = { ...site.secure(path, fresh ? this.#fresh : this.#kept), signal }
    return new Promise((resolve, reject) => {
      const request = https.get(options, (response) => {
        const closed = CLOSED in response.headers
        response.on('end', () => resolve({ status: response.statusCode ?? 0, closed }))
        response.on('error', reject)
        response.resume()
      })
      request.on('error', reject)
    })
  }
}

/**
 * A probe that has sent one request. While maintenance is on, it asks for /status, which maintenance lets through.
 * @returns the probe, and what came of its request
 */
export async function trying(options: ProbeOptions): Promise<[Probe, Sample | undefined]> {
  const probe = new Probe(options)
  const [first] = await probe.once()
  if (!first?.closed) return [probe, first]
  await probe.stop()
  say('Maintenance is on. The probe asks for /status, which still answers.')
  const other = new Probe({ ...options, path: '/status' })
  return [other, (await other.once())[0]]
}

/** Which of eight requests go by HTTP/2: one on the kept connection, one on a fresh one. */
const HTTP2 = [3, 6]

export interface Summary {
  requests: number
  failed: Sample[]
  /** How many got maintenance's page. */
  closed: number
  /** Milliseconds. */
  slowest: number
  p50: number
  p99: number
}

export function summarize(samples: readonly Sample[]): Summary {
  const times = samples.map(({ took }) => took).sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  const failed = samples.filter(({ error }) => error !== '')
  const closed = samples.filter((sample) => sample.closed).length
  const [slowest, p50, p99] = [times.at(-1) ?? 0, at(0.5), at(0.99)]
  return { requests: samples.length, failed, closed, slowest, p50, p99 }
}
