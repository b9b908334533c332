/** What is there before a rollout: the containers, and whom the load balancer sends requests to. */
import { type Swap, send, serving } from './balancer.mts'
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { type Replica, replicas } from './replica.mts'

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
 * Gives nginx the configuration of now for those that are served. A rollout that was killed between writing the list and
 * the reload left it with another one.
 */
export async function refresh(host: Host, stack: StackConfig, scene: Scene): Promise<Swap> {
  return scene.serving.length > 0
    ? await send(host, stack, served(scene))
    : { changed: false, oldWorkers: [] }
}
