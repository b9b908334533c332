/** Whether fresh replicas answer as well as those of before: by what users ask, and by what the probe asks. */
import type { Place } from '../edge/balancer.mts'

/** Requests that were answered, and how many of them failed. */
export interface Count {
  answered: number
  failed: number
}

/** So many more must have failed than could be expected, until a release is taken for broken. */
const FAILED_MINIMUM = 3

/** Whether one side fails where the other does not. Twice the other's share is taken for chance. */
export function worse(one: Count, other: Count): boolean {
  const share = other.failed / Math.max(1, other.answered)
  return one.failed >= FAILED_MINIMUM + 2 * share * one.answered
}

/** What the balancer counts on both sides of a rollout, from the moment on when a fresh replica has requests. */
export class Tally {
  readonly fresh: Count = { answered: 0, failed: 0 }
  readonly old: Count = { answered: 0, failed: 0 }
  readonly #addresses = new Set<string>()
  #last = new Map<string, Place>()

  /** Counts for the replicas at these addresses as fresh ones from now on. */
  admit(addresses: readonly string[]): void {
    for (const address of addresses) this.#addresses.add(address)
  }

  /** Takes in what the balancer says now. */
  add(places: readonly Place[]): void {
    for (const place of places) {
      const last = this.#last.get(place.name)
      // A place goes on counting when another replica gets it, and from nothing when the balancer was restarted.
      if (this.#addresses.size === 0 || last?.address !== place.address || last.answered > place.answered)
        continue
      const side = this.#addresses.has(place.address) ? this.fresh : this.old
      side.answered += place.answered - last.answered
      side.failed += place.failed - last.failed
    }
    this.#last = new Map(places.map((place) => [place.name, place]))
  }
}
