/** Why Swarm does not get fresh replicas to run. */
import { ApplicationFails, indent, lastLines, withoutPasswords } from '../cli/errors.mts'
import { count } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import type { Target } from '../rollout/target.mts'
import { NotReady } from '../stack/diagnosis.mts'
import { lookAtSwarm, type Task, type View } from './view.mts'

/** Fresh replicas that ended before the service counts as broken, when there is no update for Swarm to judge. */
const MAX_CRASHES = 3
const LOG_LINES = 15

/**
 * The reason why the fresh replicas will not run; undefined while they may.
 * @param patience seconds that a replica may take until it answers OK
 */
export function reasonOf(view: View, before: View, target: Target, patience: number): Error | undefined {
  const ended = endedOf(view, before, target)
  const [last] = ended
  if (view.service?.update.startsWith('rollback') || view.service?.update === 'paused')
    return last ? crash(last, ended.length) : new ApplicationFails(`Swarm goes back: ${view.service.why}`)
  if (last && ended.length >= MAX_CRASHES) return crash(last, ended.length)
  const late = freshOf(view, before, target).find(
    ({ wanted, state, age }) => wanted && state === 'starting' && age > patience * 1000,
  )
  return late && new NotReady(`${late.name} on ${late.on} has not answered OK within ${patience} s`, LONGER)
}

const LONGER = 'Correct the application, or give it longer (rollout.ready_timeout)'

function crash({ name, on, error, exitCode }: Task, number: number): Error {
  if (/unhealthy/.test(error)) return new NotReady(`${name} on ${on} never answered OK`, LONGER)
  if (/No such image/.test(error)) return new ApplicationFails(`${on} has no image of the release`)
  const code = exitCode ? `exit code ${exitCode}, ` : ''
  return new NotReady(
    `${name} on ${on} crashes (${code}${count(number, 'time')}: ${error || 'it ended'})`,
    'Correct the application',
  )
}

const freshOf = ({ tasks }: View, before: View, target: Target) => {
  const known = new Set(before.tasks.map(({ id }) => id))
  return tasks.filter((task) => task.target === target.name && !known.has(task.id))
}

/** Fresh replicas that ended by themselves, the latest first. */
const endedOf = (view: View, before: View, target: Target) =>
  freshOf(view, before, target)
    .filter(({ state }) => ['failed', 'rejected', 'complete'].includes(state))
    .toSorted((a, b) => a.age - b.age)

/** The last lines of the fresh replica that ended last, or that is not ready. */
export async function lastWords(
  manager: Host,
  stack: StackConfig,
  before: View,
  target: Target,
): Promise<string> {
  const view = await lookAtSwarm(manager, stack)
  const [task] = [
    ...endedOf(view, before, target),
    ...freshOf(view, before, target).filter(({ state }) => state !== 'running'),
  ]
  if (!task) return ''
  const log = await manager.run(
    'Reading the last lines of a replica',
    bash`timeout 10 docker service logs --raw --no-trunc --tail 100 ${task.id} 2>&1 || true`,
  )
  const lines = lastLines(withoutPasswords(log), LOG_LINES)
  return lines && `The last lines of ${task.name} on ${task.on}:\n${indent(lines)}`
}
