/** Hosts become one swarm. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join as joined } from '../host/shell.mts'
import { empty } from './dismissal.mts'
import {
  begin,
  HOST_LABEL,
  join,
  lookAtNode,
  managersOf,
  type Node,
  problemsOf,
  withoutLiveRestore,
} from './node.mts'
import { order } from './order.mts'
import { lookAtSwarm, type Member } from './view.mts'

/** Looks at all hosts. Changes nothing. */
export async function nodesOf(hosts: readonly Host[], stack: StackConfig): Promise<Node[]> {
  const remote = hosts.filter(({ local }) => !local)
  const names = (besides?: Host) =>
    remote.filter((host) => host !== besides).map(({ route }) => route.hostname)
  // Nobody but this machine knows its address.
  const here = hosts.find(({ local }) => local)
  const own = here && (await lookAtNode(here, names(), stack))
  const others = await Promise.all(
    remote.map((host) => lookAtNode(host, [...names(host), ...(own?.address ? [own.address] : [])], stack)),
  )
  return own ? [own, ...others] : others
}

/** The swarm as the first host sees it; empty: there is none yet, or it is no manager. */
const membersOf = async (first: Node | undefined, stack: StackConfig): Promise<Member[]> =>
  first?.active && first.manager ? (await lookAtSwarm(first.host, stack)).members : []

/** @throws OperatorError with every reason why the hosts cannot be one swarm */
export async function requireOne(hosts: readonly Host[], stack: StackConfig): Promise<void> {
  const nodes = await nodesOf(hosts, stack)
  const problems = problemsOf(nodes, await membersOf(nodes[0], stack))
  if (problems.length === 0) return
  throw new OperatorError(
    `The hosts cannot be one swarm yet:\n${problems.map((problem) => `    - ${problem}`).join('\n')}`,
    'Solve these problems, then run again.',
    NOTHING_CHANGED,
  )
}

/** Makes a swarm on the first host, and lets the others join. @returns what was done, a few words each */
export async function joinAll(hosts: readonly Host[], stack: StackConfig): Promise<string[]> {
  const nodes = await nodesOf(hosts, stack)
  const [first, ...rest] = nodes as [Node, ...Node[]]
  const done: string[] = []
  for (const { host } of nodes.filter(({ active }) => !active)) await withoutLiveRestore(host)
  if (!first.active) {
    await begin(first)
    done.push(`made on ${first.host.name}`)
  }
  const managers = hosts.slice(0, managersOf(hosts.length))
  const { members } = await lookAtSwarm(first.host, stack)
  // One after the other: each manager that joins has to agree with those before.
  for (const node of rest.filter(({ id }) => !members.some((member) => member.id === id))) {
    // The others went on without it: what it knows of the swarm, and has of the deployment, is of that time.
    if (node.id) await empty(node.host, stack, true)
    await join(first, node, managers.includes(node.host) ? 'manager' : 'worker')
    done.push(`${node.host.name} joined`)
  }
  const now = await nodesOf(hosts, stack)
  for (const { id, host, manager } of now.filter((node) => managers.includes(node.host))) {
    if (manager) continue
    await order(first.host, 'Making a manager', bash`docker node promote ${id} >/dev/null`)
    done.push(`${host.name} is a manager now`)
  }
  await order(first.host, 'Naming the hosts', joined(now.map(nameOf)))
  await forgetEarlier(first.host, stack, now)
  return done
}

/** A host that was set up anew is another node for Swarm, which would wait for the earlier one for ever. */
async function forgetEarlier(manager: Host, stack: StackConfig, nodes: Node[]): Promise<void> {
  const { members } = await lookAtSwarm(manager, stack)
  const earlier = members.filter(
    ({ id, name, up }) => !up && nodes.some((node) => node.host.address === name && node.id !== id),
  )
  for (const { id } of earlier)
    await order(
      manager,
      'Forgetting an earlier host',
      bash`docker node demote ${id} >/dev/null 2>&1 || true; docker node rm --force ${id} >/dev/null`,
    )
}

/** A name by which others reach the host is better than `local`. */
const nameOf = ({ id, host }: Node) => bash`
named() { [ "$1" = true ] && docker node inspect -f ${`{{index .Spec.Labels "${HOST_LABEL}"}}`} ${id} | grep -q .; }
named ${String(host.local)} || docker node update --label-add ${`${HOST_LABEL}=${host.address}`} ${id} >/dev/null`
