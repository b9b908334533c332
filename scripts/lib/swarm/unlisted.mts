/** Hosts that are not listed any more go by the next deploy. */
import { step } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { demote } from './dismissal.mts'
import { nodesOf } from './joining.mts'
import { drain, remove } from './maintain.mts'
import { unlisted } from './node.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm } from './view.mts'

/** Drains and removes them, and leaves as many managers as the listed hosts have. */
export async function dismissUnlisted(swarm: Swarm, manager: Host, stack: StackConfig): Promise<void> {
  const { members } = await lookAtSwarm(manager, stack)
  const nodes = await nodesOf(swarm.hosts, stack)
  for (const member of unlisted(members, nodes)) {
    const work = { swarm, manager, stack, member }
    if (member.up) await drain(work) // also when it is drained: an interrupted run may have left its load balancer
    await remove({ ...work, member: { ...member, availability: 'drain' } })
  }
  const { hosts } = swarm.quorum
  const surplus = nodes.filter((node) => node.manager && !hosts.includes(node.host))
  if (surplus.length === 0) return
  await step('Managers', async () => {
    for (const { id } of surplus) await demote(manager, id)
    return `${surplus.map(({ host }) => host.name).join(', ')} is a worker now`
  })
}
