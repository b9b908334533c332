/** The balancer: what HAProxy knows of the replicas, and what it is told about them, by its admin socket. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'

/** A replica as the balancer sees it. Places outlive who is in them, and keep what was ordered about them. */
export interface Place {
  /** HAProxy's own name for it: app3. */
  name: string
  /** Of the replica. */
  address: string
  /** Whether it answered /status with 200 and OK when it was asked last. */
  up: boolean
  /** Why it is not up: `answers 404 “Not ready”`, `Connection refused`. Empty when it is. */
  why: string
  /** Percent of a full share of new requests; 0: it drains. */
  weight: number
  /** Requests under way. */
  busy: number
  /** Requests that it has answered since it is there. */
  answered: number
  /** Those that it answered by 5xx, or not at all. */
  failed: number
}

/** Prints what `parsePlaces` reads of every replica that the balancer knows; nothing on a server that has no balancer yet. */
export const looking = (stack: StackConfig): Script => client(stack, ['look'])

/**
 * What the replicas at these addresses get of new requests, as soon as they are up; those under way go on. A weight and
 * not HAProxy's own `drain`, since who leaves that state is down until the next check (3.2, init-state).
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

/** Tells the balancer what replicas are called, for nginx's log. */
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

/** @param lines what balancer.pl prints */
export function parsePlaces(lines: string): Place[] {
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = '', address = '', operational, weight, busy, answered, failed, found] = line.split('\t')
      const up = operational !== '0'
      return {
        name,
        address,
        up,
        why: up ? '' : found || 'not asked yet',
        weight: Number(weight),
        busy: Number(busy),
        answered: Number(answered),
        failed: Number(failed),
      }
    })
}

/**
 * For a session: prints what `parsePlaces` reads whenever it has changed, with an empty line behind it. While it lasts a
 * replica that comes gets no request before `share` gives it some.
 */
export const watching = (stack: StackConfig): Script => client(stack, ['watch'])

/** Calls balancer.pl on the server, with these words behind the folder of the socket. */
export function client(stack: StackConfig, words: (string | number)[]): Script {
  const program = readFileSync(path.join(ROOT, 'scripts/remote/balancer.pl'), 'utf8')
  return bash`perl -e ${program} ${`${stack.folder}/haproxy/run`} ${words}`
}
