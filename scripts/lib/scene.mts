/** What is there before a rollout: the containers, and whom the load balancer sends requests to. */
import { type Swap, send, serving } from './balancer.mts'
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { namesOf, type Replica, replicas } from './replica.mts'
import { list } from './say.mts'

export interface Scene {
  /** Every container of the application. */
  found: Replica[]
  /** Names of those that requests are sent to. One that was removed by hand may be among them. */
  serving: string[]
}

export async function look(host: Host, stack: StackConfig): Promise<Scene> {
  const [found, names] = await Promise.all([replicas(host, stack), serving(host, stack)])
  return { found, serving: names }
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

/**
 * Gives nginx the configuration of now for those that are served. A rollout that was killed between writing the list and
 * the reload left it with another one.
 */
export async function refresh(host: Host, stack: StackConfig, scene: Scene): Promise<Swap> {
  return scene.serving.length > 0
    ? await send(host, stack, served(scene))
    : { changed: false, oldWorkers: [] }
}
