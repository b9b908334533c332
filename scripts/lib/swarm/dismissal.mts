/** Hosts go: what the deployment has on them is removed, and they leave the swarm. */
import { step, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { onEach, silenceOf } from '../host/each.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { removeStack } from '../stack/inventory.mts'
import { serviceOf } from '../stack/stack.mts'
import { removeAttaching } from './attach.mts'
import { order } from './order.mts'
import type { Member } from './view.mts'

/**
 * Removes what the deployment has on hosts: containers, images and files with all passwords. Volumes with data and backups
 * stay. Then the hosts leave the swarm. Their replicas must have ended. If one is out of reach, the operator is told what is
 * left there.
 * @param manager of the swarm, which stays
 * @param members the hosts as Swarm knows them, in the same order
 */
export async function dismissAll(
  manager: Host,
  hosts: readonly Host[],
  stack: StackConfig,
  members: readonly Member[],
): Promise<void> {
  // Those that are down first: the managers that are left must be able to agree.
  const managers = members.filter(({ role }) => role !== 'worker')
  for (const { id } of managers.toSorted((a, b) => Number(a.up) - Number(b.up))) await demote(manager, id)
  await onEach(hosts, (host) =>
    step('Host', async () => {
      const silence = await silenceOf(host)
      if (!silence) await empty(host, stack)
      // Last: until then, the next run finds the host, and removes what is left.
      const { id = '' } = members[hosts.indexOf(host)] ?? {}
      await order(manager, 'Removing the host', bash`docker node rm --force ${id} >/dev/null`)
      if (!silence) return `${host.name} is removed: containers, images, files and passwords`
      warn(`${silence}. ${leftOn(host, stack)}`)
      return `${host.name} is removed from the swarm`
    }),
  )
}

/** What a host that is out of reach still has, and what to type when it is back. */
export const leftOn = ({ address }: Host, { project }: StackConfig) =>
  `Containers, images and passwords of ${project} are still there. When it is back: npm run destroy -- --host ${address} --data --no-backup`

/**
 * Removes what the deployment has on a host, but volumes with data and backups, and takes it out of its swarm.
 * @param locked whether the run goes on there, under its lock
 */
export async function empty(host: Host, stack: StackConfig, locked = false): Promise<void> {
  await leaveAtOnce(host, stack)
  const removal = { data: true, volumes: false, backups: false, locked }
  for (const left of await removeStack(host, stack, removal))
    warn(`Not removed from ${host.name}, since something else uses it: ${left}`)
}

/** Takes a host out of its swarm, whatever the others are doing. */
export async function leaveAtOnce(host: Host, stack: StackConfig): Promise<void> {
  const label = `label=com.docker.swarm.service.name=${serviceOf(stack)}`
  await host.run(
    'Leaving the swarm',
    bash`
[ "$(docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null)" = inactive ] || docker swarm leave --force >/dev/null
docker ps -aq --filter ${label} | xargs -r docker rm -f >/dev/null # a host that was dropped has kept them`,
  )
  // Last: until then, the next run finds that the host was one of several.
  await removeAttaching(host, stack)
}

/** Makes a manager a worker. */
export async function demote(manager: Host, id: string): Promise<void> {
  const script = bash`
docker node demote ${id} >/dev/null
for _ in {1..50}; do ! docker node inspect -f '{{with .ManagerStatus}}manager{{end}}' ${id} | grep -q . || sleep 0.1; done`
  await order(manager, 'Making a host a worker', script)
}
