/** The balancers of all hosts: each finds all replicas by itself. */
import { list } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { introduce, looking, type Place, parsePlaces } from '../edge/balancer.mts'
import type { Host } from '../host/host.mts'
import type { Task } from './view.mts'

/** Tells each balancer the names and releases of the replicas, for nginx's log. */
export async function introduceAll(hosts: readonly Host[], stack: StackConfig, tasks: Task[]): Promise<void> {
  await Promise.all(hosts.map((host) => introduce(host, stack, tasks)))
}

/** What the balancer of a host says of the replicas; nothing while it does not run. */
export async function placesOf(host: Host, stack: StackConfig): Promise<Place[]> {
  const { exitCode, stdout } = await host.attempt(looking(stack))
  return exitCode === 0 ? parsePlaces(stdout) : []
}

/** Seconds until the balancer of each host must have found each replica. */
const FOUND_DEADLINE = 30

/** Waits until the balancer of each host has found each of the replicas. @throws Overdue with those it has not found */
export async function untilFound(hosts: readonly Host[], stack: StackConfig, tasks: Task[]): Promise<void> {
  await waitUntil('the balancer of each host finds each replica', FOUND_DEADLINE, async () => {
    const missing = await Promise.all(
      hosts.map(async (host) => {
        const places = await placesOf(host, stack)
        const up = places.filter((place) => place.up).map(({ address }) => address)
        const lacks = tasks
          .filter(({ address }) => !up.includes(address))
          .map(({ name, on }) => `${name} on ${on}`)
        return lacks.length > 0 ? [`${host.name} lacks ${list(lacks)}`] : []
      }),
    )
    return missing.flat().join('; ')
  })
}
