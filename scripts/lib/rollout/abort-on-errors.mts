/**
 * What aborts a rollout (`rollout.abort_on_errors`): requests fail on fresh replicas that did not fail before. The balancer
 * counts the users' requests; the probe counts its own.
 */
import { ApplicationFails } from '../cli/errors.mts'
import { count } from '../cli/say.mts'
import type { Place } from '../edge/balancer.mts'
import type { BalancerState } from '../edge/balancer-state.mts'
import type { Probe, Sample } from '../proof/probe.mts'

/** Milliseconds between two checks. */
const INTERVAL = 100
/** Milliseconds after which it is known whether the balancer was away. */
const KNOWN = 300

/** Requests fail on the fresh replicas that did not fail before. */
export class RequestsFail extends ApplicationFails {}

export class AbortOnErrors {
  /** Milliseconds since 1970 at which the first fresh replicas got requests. */
  freshSince = Number.POSITIVE_INFINITY
  /** The users' requests. */
  readonly counts = new ErrorCounts()
  /** When the balancer was last heard of. On a busy machine it takes a second to notice that it is away. */
  #heard = Number.POSITIVE_INFINITY
  /** When the balancer was away, in milliseconds since 1970. */
  readonly #absences: { from: number; to: number }[] = []

  /**
   * @param probe    undefined if it does not run
   * @param balancer what it says of the replicas
   * @param active   whether errors abort the rollout
   */
  constructor(
    private readonly probe: Pick<Probe, 'samples'> | undefined,
    balancer: Pick<BalancerState, 'places' | 'follow'>,
    private active: boolean,
  ) {
    this.counts.update(balancer.places)
    balancer.follow((places) => {
      this.counts.update(places)
      this.#noteAbsence(places)
    })
  }

  /** Aborts nothing from now on: the rollout is going back already. */
  switchOff(): void {
    this.active = false
  }

  /** Fresh replicas at these addresses get requests from now on. */
  freshServe(addresses: readonly string[]): void {
    if (!this.active) return
    this.freshSince = Math.min(this.freshSince, Date.now())
    this.counts.addFresh(addresses)
  }

  /** @throws RequestsFail if requests fail that did not fail before, or that do not fail on old replicas */
  check(): void {
    if (!this.active) return
    const { fresh, old } = this.counts
    if (isWorse(fresh, old))
      throw new RequestsFail(
        `${FAIL}: ${fresh.failed} of ${fresh.answered} on the fresh replicas, ${old.failed} of ${old.answered} on the others`,
      )
    const earlier = this.#probed(0, this.freshSince)
    const since = this.#probed(this.freshSince, Math.min(Date.now() - KNOWN, this.#heard))
    if (isWorse(since, earlier))
      throw new RequestsFail(
        `${FAIL}: ${since.failed} of ${since.answered} by the probe, first: ${since.first}`,
      )
  }

  /** Waits for work. Stops waiting when requests fail. @throws RequestsFail, or what the work throws */
  async waitFor<T>(work: Promise<T>): Promise<T> {
    let checks: NodeJS.Timeout | undefined
    const failing = new Promise<never>((_, reject) => {
      checks = setInterval(() => {
        try {
          this.check()
        } catch (error) {
          reject(error)
        }
      }, INTERVAL)
    })
    return await Promise.race([work, failing]).finally(() => clearInterval(checks))
  }

  /** On how many requests the judgement rests; empty if fresh replicas got none. */
  get basis(): string {
    const { fresh, old } = this.counts
    if (fresh.answered === 0) return ''
    return `Judged by ${count(fresh.answered, 'request')} to the fresh replicas, ${fresh.failed} failed, and ${old.answered} to the others meanwhile, ${old.failed} failed`
  }

  /** A balancer that was restarted knows no replica at first. No release is to blame for requests that fail then. */
  #noteAbsence(places: readonly Place[]): void {
    const last = this.#absences.at(-1)
    const isAway = last?.to === Number.POSITIVE_INFINITY
    if (places.length === 0 && !isAway) {
      this.#heard = Math.min(this.#heard, Date.now() - KNOWN)
      this.#absences.push({ from: this.#heard, to: Number.POSITIVE_INFINITY })
    } else if (isAway && places.some(({ up }) => up)) last.to = Date.now()
    if (places.length > 0) this.#heard = Date.now()
  }

  /** Counts the probe's requests between two moments, in milliseconds since 1970. */
  #probed(from: number, to: number): Count & { first: string } {
    const isExcused = ({ due, took }: Sample) =>
      this.#absences.some((absence) => due + took >= absence.from && due <= absence.to)
    const all = this.probe?.samples ?? []
    const samples = all.filter((one) => one.due >= from && one.due < to && !isExcused(one))
    const failed = samples.filter(({ error }) => error)
    return { answered: samples.length, failed: failed.length, first: failed[0]?.error ?? '' }
  }
}

const FAIL = 'requests fail that did not fail before'

/** Requests that were answered or failed, and how many of them failed. */
export interface Count {
  answered: number
  failed: number
}

/** This many failures more than expected show that a release is broken. */
const FAILED_MINIMUM = 3

/** Whether one side fails more often than the other. Up to twice the other side's share counts as chance. */
export function isWorse(one: Count, other: Count): boolean {
  const share = other.failed / Math.max(1, other.answered)
  return one.failed >= FAILED_MINIMUM + 2 * share * one.answered
}

/** What the balancer counts on both sides of a rollout, from the first request to a fresh replica on. */
export class ErrorCounts {
  readonly fresh: Count = { answered: 0, failed: 0 }
  readonly old: Count = { answered: 0, failed: 0 }
  readonly #freshAddresses = new Set<string>()
  #last = new Map<string, Place>()

  /** Counts the replicas at these addresses as fresh from now on. */
  addFresh(addresses: readonly string[]): void {
    for (const address of addresses) this.#freshAddresses.add(address)
  }

  /** Adds what has come since the last call. */
  update(places: readonly Place[]): void {
    for (const place of places) {
      const last = this.#last.get(place.name)
      // A place keeps its numbers when another replica gets it. They begin at 0 again when the balancer is restarted.
      const isSame = last?.address === place.address && last.answered <= place.answered
      if (!isSame || this.#freshAddresses.size === 0) continue
      const side = this.#freshAddresses.has(place.address) ? this.fresh : this.old
      side.answered += place.answered - last.answered
      side.failed += place.failed - last.failed
    }
    this.#last = new Map(places.map((place) => [place.name, place]))
  }
}
