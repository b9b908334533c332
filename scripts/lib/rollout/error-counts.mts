/** How many requests fail on fresh replicas and on old ones, and which difference is more than chance. */
import type { Place } from '../edge/balancer.mts'

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
