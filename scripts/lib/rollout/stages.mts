/** Where each replica is on its way through a rollout. No other place keeps this. */
import type { Fleet } from './fleet.mts'
import type { Replica } from './replica.mts'

/**
 * - `left`: an interrupted rollout left it without requests
 * - `warming`: fresh; it has had no request yet
 * - `serving`: it gets requests
 * - `draining`: it gets no new requests
 * - `gone`: it is being stopped, or is removed
 */
type Stage = 'left' | 'warming' | 'serving' | 'draining' | 'gone'

export class Stages {
  readonly #all = new Map<string, { replica: Replica; stage: Stage; fresh: boolean }>()

  /**
   * Takes in what was read from the server.
   * @param adopt fresh replicas that an interrupted rollout has started
   */
  read({ found, serving }: Fleet, adopt: readonly Replica[]): void {
    const ids = new Set(found.map(({ id }) => id))
    for (const [id, one] of this.#all) if (!ids.has(id)) one.stage = 'gone'
    for (const replica of found) {
      const isAdopted = adopt.includes(replica)
      const stage = serving.includes(replica) ? 'serving' : isAdopted ? 'warming' : 'left'
      const fresh = isAdopted || (this.#all.get(replica.id)?.fresh ?? false)
      this.#all.set(replica.id, { replica, stage, fresh })
    }
  }

  /** Replicas that were not there when they were read last are fresh. */
  set(replicas: readonly Replica[], stage: Stage): void {
    for (const replica of replicas) {
      const { fresh = true } = this.#all.get(replica.id) ?? {}
      this.#all.set(replica.id, { replica, stage, fresh })
    }
  }

  at(...stages: Stage[]): Replica[] {
    return this.#replicas(({ stage }) => stages.includes(stage))
  }

  /** Fresh replicas that have had requests. */
  get admitted(): Replica[] {
    return this.#replicas(({ stage, fresh }) => fresh && (stage === 'serving' || stage === 'draining'))
  }

  /** Whether a replica has got or lost requests: then there is something to go back from. */
  get changed(): boolean {
    return this.admitted.length + this.at('draining', 'gone').length > 0
  }

  /** Whether the rollout found it, and did not start it itself. */
  isOld({ id }: Replica): boolean {
    return this.#all.get(id)?.fresh === false
  }

  #replicas(wanted: (one: { stage: Stage; fresh: boolean }) => boolean): Replica[] {
    return [...this.#all.values()].filter(wanted).map(({ replica }) => replica)
  }
}
