/** Hosts that are not listed any more go by the next deploy. */
import { step } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { demote } from './dismissal.mts'
import { nodesOf } from './joining.mts'
import { drain, remove } from './maintain.mts'
import { unlisted } from './node.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm, type Member } from './view.mts'

/** Drains and removes them, and leaves as many managers as the listed hosts have. */
export async function dismissUnlisted(swarm: Swarm, manager: Host, stack: StackConfig): Promise<void> {
  const { members } = await lookAtSwarm(manager, stack)
  for (const member of await goneOf(swarm, members, stack)) {
    const work = { swarm, manager, stack, member }
    if (member.up) await drain(work) // also when it is drained: an interrupted run may have left its load balancer
    await remove({ ...work, member: { ...member, availability: 'drain' } })
  }
  const { hosts } = swarm.quorum
  const surplus = swarm.hosts.flatMap((host) => {
    const member = members.find(({ name }) => name === host.address)
    return member && member.role !== 'worker' && !hosts.includes(host) ? [{ host, id: member.id }] : []
  })
  if (surplus.length === 0) return
  await step('Managers', async () => {
    for (const { id } of surplus) await demote(manager, id)
    return `${surplus.map(({ host }) => host.name).join(', ')} is a worker now`
  })
}

/** Names tell that there is none. Only if they do not, each host is asked which node it is, and then each must answer. */
async function goneOf({ hosts }: Swarm, members: readonly Member[], stack: StackConfig): Promise<Member[]> {
  const byName = hosts.map((host) => ({ host, id: '' }))
  return unlisted(members, byName).length === 0 ? [] : unlisted(members, await nodesOf(hosts, stack))
}
