/** How fresh replicas come to have requests: first they prove themselves alone, then with a small share of what users ask. */

import { Overdue } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import * as balancer from '../edge/balancer.mts'
import type { Host } from '../host/host.mts'
import type { Proof } from '../proof/proof.mts'
import { rehearse } from './rehearsal.mts'
import { addressesOf, namesOf, type Replica } from './replica.mts'

export class Admission {
  /** Where nobody serves there is nothing to be careful with. */
  readonly #careful: boolean

  /** @param serving those that have requests now */
  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly fresh: readonly Replica[],
    private readonly serving: readonly Replica[],
  ) {
    this.#careful = stack.rollout.abort_on_errors && serving.length > 0
  }

  /** They answer the probe's page, asked by nobody else. @throws NotReady */
  async prove(): Promise<void> {
    if (this.#careful) await rehearse(this.host, this.stack, this.fresh, this.serving)
  }

  /** They have a small share of the requests for a moment, then all of theirs. @throws RequestsFail */
  async enter(): Promise<void> {
    const { host, stack, proof, fresh } = this
    const { share, requests, seconds } = stack.rollout.canary
    const at = addressesOf(fresh)
    proof.watch.freshServes(at)
    await proof.step('swap', `${namesOf(fresh)} in`, async () => {
      if (this.#careful) {
        await balancer.share(host, stack, at, share)
        await answered(proof, requests, seconds)
      }
      await balancer.share(host, stack, at, 100)
    })
  }
}

/**
 * Waits until the fresh replicas have answered so many more requests, and so many seconds at most: where few are asked
 * there is little to see. @throws RequestsFail
 */
export async function answered({ pool, watch }: Proof, requests: number, seconds: number): Promise<void> {
  const before = watch.tally.fresh.answered
  const missing = () => {
    const seen = watch.tally.fresh.answered - before
    return seen < requests ? `${seen} of ${requests} requests` : undefined
  }
  const waiting = pool.until('requests to the fresh replicas', seconds, missing).catch((error) => {
    if (!(error instanceof Overdue)) throw error
  })
  await watch.over(waiting)
  watch.check()
}
