/** A host as a node of the swarm: what it is, and how it joins. */
import { OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { factsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, remote } from '../host/shell.mts'
import { LIVE_RESTORE } from '../server/engine.mts'
import { programOf } from './attach.mts'
import type { Member } from './view.mts'

/** TCP ports that hosts need among themselves: orders of the managers, and news of the network. */
const TCP = [2377, 7946]
/** All of them; 4789 carries the containers' traffic. */
export const PORTS = 'TCP 2377 and 7946, UDP 7946 and 4789'

/** Hosts that are managers: with three, the swarm survives the loss of one; with two, it would not survive the loss of either. */
export const managersOf = (hosts: number): number => (hosts < 3 ? 1 : 3)

export interface Node {
  host: Host
  /** Whether it is in a swarm, and the swarm knows it. */
  active: boolean
  /** Whether it is one of several hosts of this deployment, or was. */
  ours: boolean
  manager: boolean
  /** The engine's id of it in the swarm; empty: none. */
  id: string
  /** At which the other hosts reach it. */
  address: string
  /** Whether it holds the database. */
  data: boolean
  /** Whether its kernel can encrypt the network. */
  encrypts: boolean
  /** TCP ports of other hosts that it does not reach. */
  filtered: { host: string; port: string }[]
}

/** Looks at a host. Changes nothing. @param others names or addresses of the other hosts */
export async function lookAtNode(host: Host, others: readonly string[], stack: StackConfig): Promise<Node> {
  const program = programOf(stack)
  const script = remote('see-node', { others, ports: TCP, volume: `${stack.project}_db`, program })
  const of = factsIn(await host.run('Looking at the host', script, { deadline: 120 }))
  const value = (kind: string) => of(kind)[0]?.[0] ?? ''
  return {
    host,
    active: value('state') === 'active',
    manager: value('manager') === 'true',
    id: value('node'),
    address: value('address'),
    ours: value('ours') === 'yes',
    data: value('data') === 'yes',
    encrypts: value('encrypts') === 'yes',
    filtered: of('filtered').map(([name = '', port = '']) => ({ host: name, port })),
  }
}

/** Label of a node: the host's name in config/stack.yaml. */
export const HOST_LABEL = 'prusa.host'

/** The hosts of a deployment that are not listed any more. A listed one may have another name for another operator. */
export const unlisted = (members: readonly Member[], nodes: readonly Pick<Node, 'host' | 'id'>[]): Member[] =>
  members.filter(
    ({ id, name, labels }) =>
      labels[HOST_LABEL] && !nodes.some((node) => node.id === id || node.host.address === name),
  )

/**
 * The reasons why hosts cannot be one swarm, each a sentence with its remedy.
 * @param members of the swarm of the first one
 */
export function problemsOf(nodes: readonly Node[], members: readonly Member[] = []): string[] {
  const [first, ...rest] = nodes
  const others = list(unlisted(members, nodes).map(({ name }) => name))
  return [
    ...nodes
      .filter(({ address }) => !address)
      .map(
        ({ host }) =>
          `${host.name} finds no address of the other hosts: list names in hosts that every host knows.`,
      ),
    ...nodes
      .filter(({ filtered }) => filtered.length > 0)
      .map(
        ({ host, filtered }) =>
          `${host.name} does not reach ${list(filtered.map((one) => `port ${one.port} of ${one.host}`))}: open ${PORTS} between the hosts.`,
      ),
    ...rest
      .filter(({ active, ours }) => active && !(ours && (first?.active || first?.data)))
      .filter(({ id }) => !members.some((member) => member.id === id))
      .map(
        ({ host }) =>
          `${host.name} is in a swarm already, and ${first?.host.name} is not in that one: list a manager of that swarm first, or leave it (docker swarm leave).`,
      ),
    ...rest
      .filter(({ data }) => data && !first?.data)
      .map(({ host }) => `${host.name} holds the database, and ${first?.host.name} does not: list it first.`),
    ...(others && !first?.data
      ? [
          `${first?.host.name} does not hold the database, and hosts does not list ${others}: list the host that holds it first. If that one is lost for good: npm run destroy with this list, npm run deploy, and npm run restore.`,
        ]
      : []),
    ...(first?.active && !first.manager
      ? [
          `${first.host.name} is a worker of a swarm: list a manager first, or promote it (docker node promote).`,
        ]
      : []),
  ]
}

/** Switches live-restore off. @returns what it changed, a few words each */
export async function withoutLiveRestore(host: Host): Promise<string[]> {
  return await host.lines('Switching live-restore off', remote('no-live-restore', LIVE_RESTORE))
}

/** Seconds between two signs of life of a host. After three without one its replicas are started elsewhere. */
const HEARTBEAT = 3
/** Addresses of the networks between containers: not those that a host's own network mostly has. */
const POOL = '10.213.0.0/16'

/** Makes the swarm. */
export async function begin({ host, address }: Node): Promise<void> {
  await host.run(
    'Making the swarm',
    bash`
docker swarm init --advertise-addr ${address} --default-addr-pool ${POOL} >/dev/null # prints a token
docker swarm update --dispatcher-heartbeat ${HEARTBEAT}s >/dev/null`,
  )
}

/** Joins the swarm of the first host. The token goes from host to host, and is shown nowhere. */
export async function join(first: Node, node: Node, role: 'manager' | 'worker'): Promise<void> {
  const into = remote('join-swarm', { address: node.address, manager: `${first.address}:2377` })
  const what = `${node.host.name} joins the swarm`
  await first.host.pipe(what, bash`docker swarm join-token -q ${role}`, node.host, into).catch((error) => {
    throw new OperatorError(
      `${node.host.name} could not join the swarm of ${first.host.name}: ${error.message}`,
      `Open ${PORTS} between the hosts, then run the same command again.`,
      'the hosts are prepared; what runs keeps running.',
    )
  })
}
