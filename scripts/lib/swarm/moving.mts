/** From one host to several, and back. The site goes on. */
import { count, step } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { type Replica, removeReplicas } from '../rollout/replica.mts'
import { untilFound } from './balancers.mts'
import { lookAtSwarm, serving } from './view.mts'

/**
 * Removes the replicas of the time with one host, once every balancer has found Swarm's. Each of them prepares first.
 * @param host the only host of that time
 */
export async function retireEarlier(
  host: Host,
  hosts: readonly Host[],
  stack: StackConfig,
  earlier: Replica[],
): Promise<void> {
  if (earlier.length === 0) return
  await step('Replicas of one host', async () => {
    await untilFound(hosts, stack, serving(await lookAtSwarm(host, stack)))
    await removeReplicas(host, stack, earlier, false)
    return `${count(earlier.length, 'replica')} drained, stopped and removed`
  })
}
