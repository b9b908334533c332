/** Watches requests while a release is rolled out, users' and the probe's: those that fail are a reason to stop at once. */

import { ApplicationFails } from '../cli/errors.mts'
import type { Place } from '../edge/balancer.mts'
import type { Pool } from '../edge/pool.mts'
import { type Count, Tally, worse } from './judgement.mts'
import type { Probe, Sample } from './probe.mts'

/** Milliseconds between two looks. */
const INTERVAL = 100
/** Milliseconds after which it is known whether the balancer was away. */
const KNOWN = 300

/** Requests fail that did not fail before the fresh release had any. */
export class RequestsFail extends ApplicationFails {}

export class Watch {
  /** Milliseconds since 1970 at which the first fresh ones got requests. */
  freshSince = Number.POSITIVE_INFINITY
  /** What users asked of both sides meanwhile. */
  readonly tally = new Tally()
  /** When the balancer was away, in milliseconds since 1970. */
  readonly #absences: { from: number; to: number }[] = []

  /**
   * @param probe  nobody asks where there is none
   * @param pool   counts what users ask
   * @param active whether anything follows from what is seen
   */
  constructor(
    private readonly probe: Pick<Probe, 'samples'> | undefined,
    pool: Pick<Pool, 'places' | 'follow'>,
    private active: boolean,
  ) {
    this.tally.add(pool.places)
    pool.follow((places) => {
      this.tally.add(places)
      this.#absence(places)
    })
  }

  /** Going back: what fails until then is known, and no reason to stop. */
  end(): void {
    this.active = false
  }

  /** From now on a failure may be the fresh release's, which has replicas at these addresses. */
  freshServes(addresses: readonly string[]): void {
    if (!this.active) return
    this.freshSince = Math.min(this.freshSince, Date.now())
    this.tally.admit(addresses)
  }

  /** @throws RequestsFail when requests fail that did not fail before, or that do not fail on the other replicas */
  check(): void {
    if (!this.active) return
    const { fresh, old } = this.tally
    if (worse(fresh, old))
      throw new RequestsFail(
        `requests fail that did not fail before: ${fresh.failed} of ${fresh.answered} on the fresh replicas, ${old.failed} of ${old.answered} on the others meanwhile`,
      )
    const before = this.#asked(0, this.freshSince)
    const since = this.#asked(this.freshSince, Date.now() - KNOWN)
    if (worse(since, before))
      throw new RequestsFail(
        `requests fail that did not fail before: ${since.failed} of ${since.answered} since it serves, the first: ${since.first}`,
      )
  }

  /** A balancer that is restarted knows nobody at first: what fails then is no release's fault. */
  #absence(places: readonly Place[]): void {
    const last = this.#absences.at(-1)
    const away = last?.to === Number.POSITIVE_INFINITY
    if (places.length === 0 && !away)
      this.#absences.push({ from: Date.now() - KNOWN, to: Number.POSITIVE_INFINITY })
    else if (away && places.some(({ up }) => up)) last.to = Date.now()
  }

  /** What the probe asked between these moments, in milliseconds since 1970. */
  #asked(from: number, to: number): Count & { first: string } {
    const excused = ({ due, took }: Sample) =>
      this.#absences.some((absence) => due + took >= absence.from && due <= absence.to)
    const samples =
      this.probe?.samples.filter((one) => one.due >= from && one.due < to && !excused(one)) ?? []
    const failed = samples.filter(({ error }) => error)
    return { answered: samples.length, failed: failed.length, first: failed[0]?.error ?? '' }
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
