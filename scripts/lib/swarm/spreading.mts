/** Replicas on the hosts, evenly: Swarm moves none by itself when a host comes back. */
import { count, step } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { releaseOf } from '../rollout/target.mts'
import { serviceOf } from '../stack/stack.mts'
import { untilFound } from './balancers.mts'
import { order } from './order.mts'
import { releaseLabel } from './service.mts'
import { absence, lookAtSwarm, serving, type View } from './view.mts'

/** Seconds, beside what the application may take, until replicas have started or ended. */
const SLACK = 60

/**
 * How many replicas are on the wrong host: so many more must start on others.
 * @param label of the hosts that have the release's image
 */
export function misplaced(view: View, label: string): number {
  const usable = view.members.filter((one) => !absence(one) && one.labels[label] === 'yes')
  const numbers = usable.map(({ name }) => serving(view).filter(({ on }) => on === name).length)
  const fair = Math.floor(serving(view).length / Math.max(1, usable.length))
  return numbers.reduce((sum, number) => sum + Math.max(0, fair - number), 0)
}

/** Starts replicas on the hosts that have fewer, then ends as many on the others: Swarm does both where it evens out. */
export async function spread(manager: Host, hosts: readonly Host[], stack: StackConfig): Promise<void> {
  const view = await lookAtSwarm(manager, stack)
  const { service } = view
  const label = releaseLabel(stack, releaseOf(service?.target ?? ''))
  const number = misplaced(view, label)
  if (!service || number === 0) return
  await step('Replicas', async () => {
    await scale(manager, stack, service.replicas + number)
    await untilServing(manager, stack, service.replicas + number)
    await untilFound(hosts, stack, serving(await lookAtSwarm(manager, stack)))
    await scale(manager, stack, service.replicas)
    await untilServing(manager, stack, service.replicas)
    return `${count(number, 'replica')} moved, so that each host has as many`
  })
}

/** Gives the service another number of replicas. Returns at once. */
export async function scale(manager: Host, stack: StackConfig, number: number): Promise<void> {
  await order(
    manager,
    'Changing the number of replicas',
    bash`docker service scale --detach ${`${serviceOf(stack)}=${number}`} >/dev/null`,
  )
}

/** Waits until so many replicas run, and no other. */
async function untilServing(manager: Host, stack: StackConfig, number: number): Promise<void> {
  const { ready_timeout, drain_timeout, stop_timeout } = stack.rollout
  const deadline = Math.max(ready_timeout, drain_timeout + stop_timeout) + SLACK
  await waitUntil(`${count(number, 'replica')} run`, deadline, async () => {
    const view = await lookAtSwarm(manager, stack)
    const running = view.tasks.filter(({ state }) => state === 'running').length
    return running === number && serving(view).length === number ? '' : `${running} of ${number}`
  })
}

/** Removes the notes of hosts about releases that are gone. @param keep releases */
export async function forgetReleases(
  manager: Host,
  stack: StackConfig,
  keep: readonly string[],
): Promise<void> {
  const { members } = await lookAtSwarm(manager, stack)
  const head = releaseLabel(stack, '')
  for (const { id, labels } of members) {
    const gone = Object.keys(labels).filter(
      (label) => label.startsWith(head) && !keep.includes(label.slice(head.length)),
    )
    if (gone.length === 0) continue
    const flags = gone.flatMap((label) => ['--label-rm', label])
    await order(manager, 'Forgetting old releases', bash`docker node update ${flags} ${id} >/dev/null`)
  }
}
