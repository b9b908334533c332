/** Back from several hosts to one: the host with the data serves alone, by Compose. The site goes on. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { count, list, step, warn } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { refreshHaproxy } from '../edge/haproxy.mts'
import { refreshNginx } from '../edge/nginx.mts'
import { onEach, silenceOf } from '../host/each.mts'
import { Host } from '../host/host.mts'
import { bash, remote } from '../host/shell.mts'
import { readFleet } from '../rollout/fleet.mts'
import { untilOk } from '../rollout/handshake.mts'
import { removeReplicas, replicas, startReplicas } from '../rollout/replica.mts'
import { isOf, keptTarget } from '../rollout/target.mts'
import { outliveEngine } from '../server/engine.mts'
import { removeAttaching } from './attach.mts'
import { dismissAll } from './dismissal.mts'
import { stopEdge } from './maintain.mts'
import { networksOf } from './networks.mts'
import { HOST_LABEL, lookAtNode } from './node.mts'
import { endReplicas, otherServices } from './service.mts'
import { lookAtSwarm, type Member, NoQuorum, type View } from './view.mts'

/** Seconds until the balancer must have found the replicas. */
const FOUND_DEADLINE = 30

/** The swarm that the only host is still in. */
interface Former {
  host: Host
  stack: StackConfig
  view: View
  /** Of the other hosts. */
  others: Member[]
}

/** Makes the host serve alone; does nothing if it does. Its containers must be on the networks of one host (connect). */
export async function returnToOne(host: Host, stack: StackConfig): Promise<void> {
  await depart(host, stack).catch(async (error) => {
    // It may be noticed on the way only.
    if (!(error instanceof NoQuorum)) throw error
    await goOnAlone(host)
    await depart(host, stack)
  })
}

async function depart(host: Host, stack: StackConfig): Promise<void> {
  const former = await formerSwarm(host, stack)
  if (!former) return
  const others = former.others.map(({ name }) => new Host(name, stack.ssh_config))
  await takeOver(former)
  const silent = await Promise.all(others.map(silenceOf))
  const there = others.filter((_, index) => !silent[index])
  await onEach(there, (one) =>
    step('Load balancer', async () => {
      await stopEdge(one, stack)
      return `stopped; clients use ${host.name}`
    }),
  )
  await step('Replicas of several hosts', async () => {
    await endReplicas(host, [host, ...there], stack)
    return 'drained, stopped and removed'
  })
  await dismissAll(host, others, stack, former.others)
  await step('Swarm', () => leave(former))
}

/**
 * The swarm of this deployment that a host is still in; undefined: none.
 * @throws OperatorError when the host does not hold the data; NoQuorum
 */
export async function formerSwarm(host: Host, stack: StackConfig): Promise<Former | undefined> {
  const { active, manager, id, data, ours } = await lookAtNode(host, [], stack)
  if (!active) return undefined
  if (!manager) {
    if (ours) throw notAlone(host, [])
    return undefined // somebody else's
  }
  const view = await lookAtSwarm(host, stack)
  if (!view.members.find((one) => one.id === id)?.labels[HOST_LABEL]) return undefined
  const others = view.members.filter((one) => one.id !== id)
  if (!data && others.length > 0)
    throw notAlone(
      host,
      others.map(({ name }) => name),
    )
  return { host, stack, view, others }
}

/** Makes a manager the only one: the others are lost, and it could not give the swarm an order any more. */
async function goOnAlone(host: Host): Promise<void> {
  warn(`The other managers are silent: ${host.name} takes over the swarm, and drops them.`)
  await host.run(
    'Taking over the swarm',
    bash`
address=$(docker info --format '{{.Swarm.NodeAddr}}')
docker swarm init --force-new-cluster --advertise-addr "$address" >/dev/null # prints a token`,
  )
}

function notAlone({ name }: Host, others: string[]): OperatorError {
  const who = others.length > 0 ? `, beside ${list(others)}` : ''
  return new OperatorError(
    `${name} is a host of a swarm${who}, and does not hold the database, so it cannot serve alone`,
    'Set host to the one that holds it: the first of hosts until now.',
    NOTHING_CHANGED,
  )
}

/** Starts replicas of what runs beside those of Swarm, and gives them the requests. */
async function takeOver(former: Former): Promise<void> {
  const { host, view } = former
  if (!view.service) return
  await step('Replicas', () => startBeside(former, view.service?.target ?? ''))
  await step('Balancer', async () => {
    await switchOver(former)
    return `sends requests to the replicas of ${host.name} alone`
  })
}

async function startBeside({ host, stack }: Former, name: string): Promise<string> {
  const target = await keptTarget(host, stack, name)
  const there = (await replicas(host, stack)).filter((one) => one.running && isOf(target, one))
  const fresh = await startReplicas(host, stack, target, Math.max(0, stack.app.replicas - there.length))
  const all = [...there, ...fresh]
  try {
    await untilOk(host, stack, all)
  } catch (error) {
    await removeReplicas(host, stack, all)
    throw new OperatorError(
      (error as Error).message,
      'npm run logs, with all of hosts in config/stack.yaml. Then, with one host: npm run deploy',
      'the replicas of several hosts serve as before.',
    )
  }
  return `${count(all.length, 'replica')} of ${target.release} started beside those of several hosts`
}

async function switchOver({ host, stack }: Former): Promise<void> {
  await refreshHaproxy(host, stack)
  await waitUntil('the balancer finds the replicas', FOUND_DEADLINE, async () => {
    const { found, places } = await readFleet(host, stack)
    const isUp = (address: string) => places.some((place) => place.up && place.address === address)
    return list(found.filter(({ address }) => !isUp(address)).map((one) => one.name))
  })
  await refreshNginx(host, stack)
}

/** Takes the containers off Swarm's networks, and the host out of the swarm. */
async function leave({ host, stack }: Former): Promise<string> {
  await removeAttaching(host, stack)
  await host.run(
    'Leaving the networks',
    bash`
for network in ${networksOf(stack)}; do
  docker ps -aq --filter network="$network" | xargs -r -L 1 docker network disconnect "$network"
  docker network rm "$network" >/dev/null 2>&1 || true
done`,
    { deadline: 120 },
  )
  const others = await otherServices(host, stack)
  if (others.length > 0) return `${host.name} stays in it: ${list(others)} runs there`
  await outliveEngine(host, true)
  await host.run('Leaving the swarm', remote('leave-swarm'), { deadline: 120 })
  return `${host.name} has left it, and serves alone`
}
