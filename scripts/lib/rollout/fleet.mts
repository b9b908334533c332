/** The replicas of a deployment, and which of them get requests. */

import { list, say, warn } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import * as balancer from '../edge/balancer.mts'
import { refreshHaproxy } from '../edge/haproxy.mts'
import { refreshNginx } from '../edge/nginx.mts'
import type { Host } from '../host/host.mts'
import { bash, join } from '../host/shell.mts'
import { looking, namesOf, parseReplicas, type Replica } from './replica.mts'

export interface Fleet {
  /** Every container of the application, by number. */
  found: Replica[]
  /** Those of them that run and have a weight in the balancer: they get requests while they answer OK. */
  serving: Replica[]
}

/** Reads both from the server, and what the balancer says of each replica. */
export async function readFleet(
  host: Host,
  stack: StackConfig,
): Promise<Fleet & { places: balancer.Place[] }> {
  const script = join([looking(stack), bash`echo`, balancer.looking(stack)])
  const output = await host.run('Looking at replicas and balancer', script)
  const [containers = '', said = ''] = output.split('\n\n')
  const [found, places] = [parseReplicas(stack, containers), balancer.parsePlaces(said)]
  return { ...fleetOf(found, places), places }
}

export function fleetOf(found: Replica[], places: readonly balancer.Place[]): Fleet {
  const weighted = new Set(places.filter(({ weight }) => weight > 0).map(({ address }) => address))
  return { found, serving: found.filter(({ address, running }) => running && weighted.has(address)) }
}

/**
 * Says which replicas get requests, without a full stop.
 * @param earlier name of the target that got requests before the rollout, and its number of replicas
 */
export function whoServes({ found, serving }: Fleet, earlier?: { target: string; replicas: number }): string {
  const targets = [...new Set(serving.map(({ target }) => target))]
  const [one] = serving
  if (!one) return found.length > 0 ? 'no replica gets requests' : 'there is no replica'
  if (targets.length > 1)
    return `requests go to ${list(targets.map((target) => group(serving, target, target)))}`
  if (one.target !== earlier?.target)
    return `requests go to ${group(serving, one.target, `release ${one.release}`)}`
  const fewer = ` with fewer replicas: ${namesOf(serving)} of ${earlier.replicas}`
  return `release ${one.release} serves as before${serving.length < earlier.replicas ? fewer : ''}`
}

const group = (serving: Replica[], target: string, label: string) =>
  `${namesOf(serving.filter((one) => one.target === target))} of ${label}`

/** Seconds. Longer than the balancer needs to find a replica that is up. */
const FOUND_DEADLINE = 10

/**
 * Gives HAProxy and nginx the configuration of this checkout. If a replica runs, nginx is changed only after HAProxy has
 * found one that is up.
 * @returns the replicas after that
 */
export async function refreshEdge(host: Host, stack: StackConfig): Promise<Fleet> {
  await refreshHaproxy(host, stack)
  const fleet = await untilFound(host, stack)
  if (fleet.found.some((one) => one.running)) await refreshNginx(host, stack)
  return fleet
}

/** If a replica runs, waits until HAProxy has found one that is up; warns if it finds none in time. */
export async function untilFound(host: Host, stack: StackConfig): Promise<Fleet> {
  let fleet = await readFleet(host, stack)
  const running = fleet.found.filter((one) => one.running)
  if (running.length === 0) return fleet
  await balancer.introduce(host, stack, running)
  const isUp = () => fleet.places.some(({ up }) => up)
  await waitUntil('the balancer finds a replica that is up', FOUND_DEADLINE, async () => {
    if (!isUp()) fleet = await readFleet(host, stack)
    return isUp() ? undefined : fleet.places.map(({ why }) => why).join(', ') || 'no replica'
  }).catch((error) => warn(error.message))
  return fleet
}

/** Says what a restart of replicas does. */
export const sayReplaced = (again: readonly { name: string }[]) =>
  say(`Fresh replicas replace ${namesOf(again)}, as in a rollout. Clients do not notice.`)
