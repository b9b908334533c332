/** The balancer's admin socket: reads the state of the replicas in HAProxy, and changes it. */
import type { StackConfig } from '../config/config.mts'
import { rowsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, remoteText, type Script } from '../host/shell.mts'

/** A slot of HAProxy's `server-template` with a replica in it. The slot keeps its weight when the replica changes. */
export interface Place {
  /** HAProxy's name of the slot: app3. */
  name: string
  /** The replica's address. */
  address: string
  /** Whether the replica answered the last check of /status with 200 and OK. */
  up: boolean
  /** Why it is not up: `answers 404 “Not ready”`, `Connection refused`. Empty when it is. */
  why: string
  /** Its share of new requests, in percent of a full share; 0: it drains. */
  weight: number
  /** Requests under way. */
  busy: number
  /** Responses so far. */
  answered: number
  /** Requests that it answered with 5xx or not at all. */
  failed: number
}

/** Prints what `parsePlaces` reads; nothing if the server has no balancer yet. */
export const looking = (stack: StackConfig): Script => client(stack, ['look'])

/**
 * Sets the share of new requests for the replicas at these addresses; requests under way go on. This sets a weight, not
 * HAProxy's state `drain`: a server that leaves that state is down until its next check (3.2, init-state).
 * @param percent of a full share; 0: they drain
 */
export async function share(
  host: Host,
  stack: StackConfig,
  addresses: readonly string[],
  percent: number,
): Promise<void> {
  if (addresses.length === 0) return
  const words = ['tell', addresses.join(' '), `set server %s weight ${percent}%`]
  await host.run('Telling the balancer', client(stack, words))
}

/** Tells the balancer the names and releases of the replicas, for nginx's log. */
export async function introduce(host: Host, stack: StackConfig, replicas: Known[]): Promise<void> {
  const running = replicas.filter(({ address }) => address)
  const names = running.map(({ address, name, release }) => `${address} ${name} ${release}`).join('\n')
  const script = remote('introduce', {
    folder: `${stack.folder}/haproxy`,
    map: '/etc/prusa/replicas.map',
    names,
  })
  await host.run('Naming the replicas', join([bash`ask() { ${client(stack, ['ask'])} "$1"; }`, script]))
}

interface Known {
  address: string
  name: string
  release: string
}

/** @param output what balancer.pl prints */
export function parsePlaces(output: string): Place[] {
  return rowsIn(output).map(([name = '', address = '', operational, ...rest]) => {
    const [weight, busy, answered, failed] = rest.map(Number) as [number, number, number, number]
    const up = operational !== '0'
    return { name, address, up, why: up ? '' : rest[4] || 'not checked yet', weight, busy, answered, failed }
  })
}

/**
 * For a session: prints what `parsePlaces` reads at each change, followed by an empty line. Meanwhile, a new replica gets
 * no requests until `share` gives it some.
 */
export const watching = (stack: StackConfig): Script => client(stack, ['watch'])

/** Runs balancer.pl on the server. @param words its arguments behind the folder of the socket */
export function client(stack: StackConfig, words: (string | number)[]): Script {
  return bash`perl -e ${remoteText('balancer.pl')} ${`${stack.folder}/haproxy/run`} ${words}`
}
