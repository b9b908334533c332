/** Watches what the probe sees while a release is rolled out: requests that fail are a reason to stop at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ApplicationFails } from './errors.mts'
import type { Probe } from './probe.mts'

/** So many requests must have failed, and a larger share than before, until a release is taken for broken. */
const FAILED_MINIMUM = 3
/** Milliseconds between two looks at what the probe saw. */
const INTERVAL = 100

/** Requests fail that did not fail before the fresh release had any. */
export class RequestsFail extends ApplicationFails {}

export class Watch {
  /** Milliseconds since 1970 at which the first fresh ones got requests. */
  freshSince = Number.POSITIVE_INFINITY
  /** When the last fresh ones had got requests, and their share of all, 0 to 1. */
  #last = { since: 0, share: Number.POSITIVE_INFINITY }

  /**
   * @param probe  without one nobody counts, and nothing is ever wrong
   * @param active whether anything follows from what it sees
   */
  constructor(
    private readonly probe: Pick<Probe, 'samples'> | undefined,
    private active: boolean,
  ) {}

  /** Going back: what fails until then is known, and no reason to stop. */
  end(): void {
    this.active = false
  }

  /** From now on a failure may be the fresh release's. */
  freshServes(): void {
    this.freshSince = Math.min(this.freshSince, Date.now())
  }

  /** Fresh ones have their share of new connections, 0 to 1; what is kept open may still go by the list of before. */
  freshHas(share: number): void {
    this.#last = { since: Date.now(), share }
  }

  /** Waits until requests have shown whether the fresh ones fail them. @throws RequestsFail */
  async untilShown(): Promise<void> {
    const { since, share } = this.#last
    const shown = () => {
      const ended = this.probe?.samples.filter(({ due }) => due >= since)
      return !ended || isShown(ended.length, ended.filter(({ error }) => error).length, share)
    }
    for (; this.active && !shown(); await sleep(INTERVAL)) this.check()
  }

  /** @throws RequestsFail when requests fail that did not fail before */
  check(): void {
    if (!this.active) return
    const samples = this.probe?.samples ?? []
    const since = samples.filter(({ due }) => due >= this.freshSince)
    const failed = since.filter(({ error }) => error)
    if (failed.length < FAILED_MINIMUM) return
    const before = samples.filter(({ due }) => due < this.freshSince)
    const failedBefore = before.filter(({ error }) => error)
    if (failed.length / since.length <= (2 * failedBefore.length) / Math.max(1, before.length)) return
    throw new RequestsFail(
      `requests fail that did not fail before: ${failed.length} of ${since.length} since it serves, the first: ${failed[0]?.error}`,
    )
  }

  /** Waits for work, and no longer when requests fail that did not fail before. @throws RequestsFail */
  async over<T>(work: Promise<T>): Promise<T> {
    let look: NodeJS.Timeout | undefined
    const failing = new Promise<never>((_, reject) => {
      look = setInterval(() => {
        try {
          this.check()
        } catch (error) {
          reject(error)
        }
      }, INTERVAL)
    })
    try {
      return await Promise.race([work, failing])
    } finally {
      clearInterval(look)
    }
  }
}

/**
 * Whether so many requests show what replicas are like that have this share of new connections: two of them have met a
 * fresh one and none has failed, or so many that the failures would be enough. Half of the requests are on new connections.
 */
export function isShown(ended: number, failed: number, share: number): boolean {
  return ended >= (2 / share) * (failed === 0 ? 2 : FAILED_MINIMUM + 1)
}
