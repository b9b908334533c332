/** Takes a host out of use, and back into it. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { count, step, warn } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { Host } from '../host/host.mts'
import { bash, join, type Script } from '../host/shell.mts'
import { releaseOf } from '../rollout/target.mts'
import { composeFor, up } from '../stack/stack.mts'
import { attach } from './attach.mts'
import { introduceAll, untilFound } from './balancers.mts'
import { dismissAll } from './dismissal.mts'
import { order } from './order.mts'
import { releaseLabel } from './service.mts'
import { scale, spread } from './spreading.mts'
import type { Swarm } from './swarm.mts'
import { absence, lookAtSwarm, type Member, serving, type Task, type View } from './view.mts'

/** Seconds, beside what the application may take, until replicas have moved. */
const SLACK = 60

/** What a command on one host works with. */
interface Work {
  swarm: Swarm
  /** A manager. */
  manager: Host
  stack: StackConfig
  member: Member
}

/** Moves the replicas of a host to the others, then stops its load balancer. Clients that know all addresses notice nothing. */
export async function drain({ swarm, manager, stack, member }: Work): Promise<void> {
  const view = await lookAtSwarm(manager, stack)
  requireOthers(view, member)
  const wanted = view.service?.replicas ?? 0
  await step('Replicas', async () => {
    const here = serving(view).filter(({ on }) => on === member.name).length
    // Swarm stops the replicas of a drained host before others run: so others must run already.
    const few = here > 0 && elsewhere(view, member).length === 0
    if (few) await scale(manager, stack, 2 * wanted)
    const rest = few ? await untilElsewhere(manager, stack, member, 1) : elsewhere(view, member)
    await untilFound(others(swarm, member, view), stack, rest)
    await availability(manager, member, 'drain')
    if (few) await scale(manager, stack, wanted)
    const moved = await untilElsewhere(manager, stack, member, wanted)
    await untilFound(others(swarm, member, view), stack, moved)
    await introduceAll(others(swarm, member, view), stack, moved)
    await untilEnded(manager, stack, member)
    return here > 0 ? `${count(here, 'replica')} moved to other hosts` : 'none was there'
  })
  await step('Load balancer', async () => {
    const host = hostOf(swarm, stack, member)
    if (!member.up) return 'does not run: the host is down'
    // It needs the balancer until its last request is answered.
    await stopEdge(host, stack)
    return `stopped; clients use the other hosts`
  })
  if (member.name === swarm.first.address)
    warn(
      `Database and Redis still run on ${member.name}: while it is away, pages that need them answer an error.`,
    )
}

/** Lets a host take part again, and gives it replicas. */
export async function activate({ swarm, manager, stack, member }: Work): Promise<void> {
  const host = hostOf(swarm, stack, member)
  if (!member.up)
    throw new OperatorError(
      `${member.name} is down`,
      `Bring it back, then the same command again.`,
      NOTHING_CHANGED,
    )
  await step('Host', async () => {
    await availability(manager, member, 'active')
    return `${member.name} takes replicas again`
  })
  await step('Load balancer', async () => {
    // On a drained host, the engine attaches no container to Swarm's networks: after a reboot, none of these runs.
    await attach(host, stack)
    for (const service of ['balancer', 'lb'] as const)
      await up(host, stack, 'none', service, ['compose', 'start', service])
    await untilFound([host], stack, serving(await lookAtSwarm(manager, stack)))
    return 'answers, and knows all replicas'
  })
  const { service, members } = await lookAtSwarm(manager, stack)
  const release = releaseOf(service?.target ?? '')
  if (service && member.labels[releaseLabel(stack, release)] !== 'yes')
    warn(`${member.name} does not have release ${release}, and gets no replicas until: npm run deploy`)
  await spread(manager, usedBy(swarm, members), stack)
}

/** Takes a host out of the swarm for good. It must be drained, or down. */
export async function remove({ swarm, manager, stack, member }: Work): Promise<void> {
  const refuse = (what: string, next: string): never => {
    throw new OperatorError(what, next, NOTHING_CHANGED)
  }
  if (member.name === swarm.first.address)
    refuse(
      `${member.name} holds the database`,
      'npm run backup, and npm run restore on another deployment, move it.',
    )
  if (member.up && member.availability !== 'drain')
    refuse(
      `${member.name} still takes part`,
      `npm run hosts -- drain ${member.name}, then the same command again.`,
    )
  await dismissAll(manager, [hostOf(swarm, stack, member)], stack, [member])
}

/** Stops the load balancer of a host, then its balancer. A host whose dismissal was cut off may have no files any more. */
export const stopEdge = (host: Host, stack: StackConfig) =>
  compose(
    host,
    stack,
    bash`[ ! -e ${`${stack.folder}/compose/stack.env`} ] || { compose stop lb; compose stop balancer; }`,
  )

/** Runs a script that calls `compose` on a host. */
async function compose(host: Host, stack: StackConfig, script: Script): Promise<void> {
  const all = join([composeFor(stack, 'none'), bash`{`, script, bash`} >&2`])
  await host.run('Starting or stopping containers', all, { deadline: 180 })
}

/** A host that is not listed any more goes, too. */
const hostOf = (swarm: Swarm, stack: StackConfig, { name }: Member) =>
  swarm.hosts.find(({ address }) => address === name) ?? new Host(name, stack.ssh_config)

/** The replicas that get requests on other hosts. */
const elsewhere = (view: View, { name }: Member): Task[] => serving(view).filter(({ on }) => on !== name)

/** The other hosts that are in use. */
function others(swarm: Swarm, member: Member, { members }: View): Host[] {
  return usedBy(
    swarm,
    members.filter(({ name }) => name !== member.name),
  )
}

/** The hosts that are in use. */
function usedBy(swarm: Swarm, members: readonly Member[]): Host[] {
  const used = members.filter((one) => !absence(one))
  return swarm.hosts.filter(({ address }) => used.some(({ name }) => name === address))
}

/** @throws OperatorError when no other host takes replicas */
function requireOthers({ members }: View, member: Member): void {
  if (members.some((one) => one.id !== member.id && !absence(one))) return
  throw new OperatorError(
    `No other host is in use, so the replicas of ${member.name} have nowhere to go`,
    'npm run status shows the hosts; bring one back first.',
    NOTHING_CHANGED,
  )
}

async function availability(manager: Host, { id }: Member, to: 'active' | 'drain'): Promise<void> {
  await order(manager, 'Changing a host', bash`docker node update --availability ${to} ${id} >/dev/null`)
}

/** Waits until so many replicas run on other hosts; returns them. */
async function untilElsewhere(manager: Host, stack: StackConfig, member: Member, number: number) {
  let rest: Task[] = []
  await waitUntil('replicas run on other hosts', stack.rollout.ready_timeout + SLACK, async () => {
    rest = elsewhere(await lookAtSwarm(manager, stack), member)
    return rest.length < number ? `${rest.length} of ${number}` : undefined
  })
  return rest
}

/** Waits until the host's replicas have prepared and ended. */
async function untilEnded(manager: Host, stack: StackConfig, member: Member): Promise<void> {
  const { drain_timeout, stop_timeout } = stack.rollout
  await waitUntil('its replicas end', drain_timeout + stop_timeout + SLACK, async () => {
    const { tasks, members } = await lookAtSwarm(manager, stack)
    if (!members.find(({ id }) => id === member.id)?.up) return
    return tasks
      .filter(({ on, state }) => on === member.name && state === 'running')
      .map(({ name }) => name)
      .join(', ')
  })
}
