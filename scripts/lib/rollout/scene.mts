/** What is there before a rollout: the containers, and whom the balancer sends requests to. */

import { list, warn } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import * as balancer from '../edge/balancer.mts'
import { refreshFront } from '../edge/front.mts'
import { refreshBalancer } from '../edge/haproxy.mts'
import type { Host } from '../host/host.mts'
import { bash, join } from '../host/shell.mts'
import { looking, namesOf, parseReplicas, type Replica } from './replica.mts'

export interface Scene {
  /** Every container of the application. */
  found: Replica[]
  /** Names of those that requests are sent to, or would be if they answered OK. */
  serving: string[]
}

/** @returns what the balancer says of each, too */
export async function look(host: Host, stack: StackConfig): Promise<Scene & { places: balancer.Place[] }> {
  const script = join([looking(stack), bash`echo`, balancer.looking(stack)])
  const [containers = '', said = ''] = (await host.run('Looking at replicas and balancer', script)).split(
    '\n\n',
  )
  const [found, places] = [parseReplicas(stack, containers), balancer.parsePlaces(said)]
  return { ...sceneOf(found, places), places }
}

export function sceneOf(found: Replica[], places: readonly balancer.Place[]): Scene {
  const given = new Set(places.filter(({ weight }) => weight > 0).map(({ address }) => address))
  const serving = found.filter(({ address, running }) => running && given.has(address))
  return { found, serving: serving.map(({ name }) => name) }
}

export function served({ found, serving }: Scene): Replica[] {
  return found.filter(({ name }) => serving.includes(name))
}

/**
 * Who has requests, as it was looked up, without a full stop.
 * @param before name of the target that served before, and with how many replicas
 */
export function whoServes(scene: Scene, before?: { target: string; replicas: number }): string {
  const live = served(scene).filter(({ running }) => running)
  const targets = [...new Set(live.map(({ target }) => target))]
  const [one] = live
  if (!one) return scene.found.length > 0 ? 'no replica that runs has requests' : 'no replica is there'
  if (targets.length > 1)
    return `requests go to ${list(targets.map((target) => group(live, target, target)))}`
  if (one.target !== before?.target)
    return `requests go to ${group(live, one.target, `release ${one.release}`)}`
  if (live.length >= before.replicas) return `release ${one.release} serves as before`
  return `release ${one.release} serves as before, but by ${namesOf(live)} alone, of ${before.replicas} replicas`
}

const group = (live: Replica[], target: string, label: string) =>
  `${namesOf(live.filter((one) => one.target === target))} of ${label}`

/** Seconds; longer than it takes where any is well. */
const FOUND_DEADLINE = 10

/**
 * Gives balancer and front door the configuration of now; the front door waits until the balancer has somebody to send
 * requests to, where anybody runs.
 * @returns what is there then
 */
export async function refresh(host: Host, stack: StackConfig): Promise<Scene> {
  await refreshBalancer(host, stack)
  let scene = await look(host, stack)
  const running = scene.found.filter((one) => one.running)
  if (running.length === 0) return scene
  await balancer.introduce(host, stack, running)
  const well = () => scene.places.some(({ up }) => up)
  await waitUntil('the balancer finds a replica well', FOUND_DEADLINE, async () => {
    if (!well()) scene = await look(host, stack)
    return well() ? undefined : scene.places.map(({ why }) => why).join(', ') || 'none'
  }).catch((error) => warn(error.message))
  await refreshFront(host, stack)
  return scene
}
