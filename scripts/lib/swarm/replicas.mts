/** The replicas of a swarm for those who want to get at one. */
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import type { Located } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { introduceAll, untilFound } from './balancers.mts'
import { lookAtSwarm, serving, type Task } from './view.mts'

/** Seconds, beside what the application may take. */
const SLACK = 60

/** The replicas that serve on these hosts. @param manager a host of the swarm */
export async function located(manager: Host, stack: StackConfig, hosts: readonly Host[]): Promise<Located[]> {
  const tasks = serving(await lookAtSwarm(manager, stack))
  return tasks.flatMap(({ name, on, container }) => {
    const host = hosts.find(({ address }) => address === on)
    return host ? [{ name, title: `${name} on ${host.name}`, host, container, running: true }] : []
  })
}

/**
 * Stops a replica, which prepares first. Swarm starts another one in its place, and this waits until the balancers have
 * found it.
 * @param hosts whose balancers must find it
 */
export async function replace(
  manager: Host,
  stack: StackConfig,
  hosts: readonly Host[],
  { name, host, container }: Located,
): Promise<void> {
  const { drain_timeout, stop_timeout, ready_timeout } = stack.rollout
  const before = serving(await lookAtSwarm(manager, stack)).length
  const grace = drain_timeout + stop_timeout
  await host.run(`Stopping ${name}`, bash`docker stop --time ${grace} ${container} >/dev/null`, {
    deadline: grace + SLACK,
  })
  let now: Task[] = []
  await waitUntil(`Swarm starts another ${name}`, ready_timeout + SLACK, async () => {
    now = serving(await lookAtSwarm(manager, stack))
    return now.length < before || now.some((one) => one.container === container)
      ? `${now.length} of ${before}`
      : undefined
  })
  await introduceAll(hosts, stack, now)
  await untilFound(hosts, stack, now)
}
