/** From one host to several, and back: not under load so far. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import { isSwarm, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { serviceOf } from './service.mts'

/** @throws OperatorError when a host runs replicas of this deployment that the other engine has started */
export async function requireSameEngine(hosts: readonly Host[], stack: StackConfig): Promise<void> {
  const label = isSwarm(stack)
    ? [
        'label=com.docker.compose.service=app',
        '--filter',
        `label=com.docker.compose.project=${stack.project}`,
      ]
    : [`label=com.docker.swarm.service.name=${serviceOf(stack)}`]
  const script = bash`docker ps -q --filter ${label} 2>/dev/null | head -n 1 || true # there may be no engine yet`
  const found = await Promise.all(hosts.map((host) => host.lines('Looking for other replicas', script)))
  const others = hosts.filter((_, index) => found[index]?.length)
  if (others.length === 0) return
  const names = list(others.map(({ name }) => name))
  throw isSwarm(stack)
    ? new OperatorError(
        `${names} runs this deployment as its only host. Moving to several hosts does not work under load so far`,
        `With host: ${names} alone, npm run destroy; it keeps the data. Then deploy with hosts.`,
        NOTHING_CHANGED,
      )
    : new OperatorError(
        `${names} runs this deployment as one of several hosts. Moving to one host does not work under load so far`,
        'With all of hosts, npm run destroy; it keeps the data. Then deploy with one host.',
        NOTHING_CHANGED,
      )
}
