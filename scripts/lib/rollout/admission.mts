/** How fresh replicas get requests: first a small share of what users ask, then their full share. */

import { Overdue } from '../cli/wait.mts'
import * as balancer from '../edge/balancer.mts'
import type { Context } from './context.mts'
import { addressesOf, namesOf, type Replica } from './replica.mts'

/** @param canary whether they begin with a small share (rollout.canary) @throws RequestsFail */
export async function giveRequests(context: Context, fresh: Replica[], canary: boolean): Promise<void> {
  const { host, stack, proof, abort } = context
  const { share, requests, seconds } = stack.rollout.canary
  const addresses = addressesOf(fresh)
  abort.freshServe(addresses)
  await proof.step('swap', `${namesOf(fresh)} in`, async () => {
    if (canary) {
      await balancer.share(host, stack, addresses, share)
      await untilJudged(context, requests, seconds)
    }
    await balancer.share(host, stack, addresses, 100)
  })
}

/**
 * Waits until the fresh replicas have answered this many more requests. After the given seconds it goes on with fewer:
 * a quiet site has few requests. @throws RequestsFail
 */
export async function untilJudged(
  { pool, abort }: Context,
  requests: number,
  seconds: number,
): Promise<void> {
  const { answered } = abort.counts.fresh
  const missing = () => {
    const seen = abort.counts.fresh.answered - answered
    return seen < requests ? `${seen} of ${requests} requests` : undefined
  }
  const waiting = pool.until('requests to the fresh replicas', seconds, missing).catch((error) => {
    if (!(error instanceof Overdue)) throw error
  })
  await abort.waitFor(waiting)
  abort.check()
}
