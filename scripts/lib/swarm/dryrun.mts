/** What a rollout on a swarm would do, in words. It does nothing. */
import { count, list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import type { Planner } from '../rollout/dryrun.mts'
import type { Target } from '../rollout/target.mts'
import { isDone } from './release.mts'
import { releaseLabel } from './service.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm, type View } from './view.mts'

/** Swarm's update. @param manager a host of the swarm */
export const planOn =
  (swarm: Swarm, manager: Host, stack: StackConfig): Planner =>
  async (target, force) => {
    const view = await lookAtSwarm(manager, stack)
    const hosts = (await swarm.present(manager)).map(({ address }) => address)
    return { done: !force && isDone(view, stack, target), steps: describeUpdate(stack, view, hosts, target) }
  }

/** What is done with the replicas. @param hosts names of those in use; the first one builds the image */
export function describeUpdate(
  stack: StackConfig,
  { members, service }: View,
  hosts: readonly string[],
  { release }: Pick<Target, 'release'>,
): string[] {
  const { app, rollout } = stack
  const has = (name: string) =>
    members.find((one) => one.name === name)?.labels[releaseLabel(stack, release)] === 'yes'
  const without = hosts.slice(1).filter((name) => !has(name))
  const fresh = 'wait for 200 and OK at its /status'
  const old = 'ask the old one to prepare, and stop it when it says Ready and holds no request'
  const turn =
    rollout.order === 'stop-first'
      ? `${old}; then start a fresh one, and ${fresh}`
      : `start a fresh one, and ${fresh}; then ${old}`
  const replicas = `${count(app.replicas, 'replica')} of ${release} on ${list(hosts)}`
  return [
    ...(without.length > 0 ? [`bring the image of ${release} to ${list(without)}`] : []),
    service
      ? `let Swarm put ${replicas}, ${rollout.surge === 'all' ? 'all' : rollout.surge} at a time: ${turn}`
      : `let Swarm start ${replicas}, and wait for 200 and OK at the /status of each`,
  ]
}
