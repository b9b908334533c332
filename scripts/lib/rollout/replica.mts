/** Replicas: the containers that run the application. */

import { indent, NOTHING_CHANGED, OperatorError, withoutPasswords } from '../cli/errors.mts'
import { byName } from '../cli/table.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { mutex } from '../host/lock.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import type { Target } from './target.mts'

export interface Replica {
  id: string
  /** Container name: prusa-app-3. */
  name: string
  release: string
  /** Name of the target that it was started with. */
  target: string
  /** Digest of the passwords that it was started with. */
  secrets: string
  /** Address on the network that it shares with the balancer; empty when it does not run. */
  address: string
  running: boolean
  /** Milliseconds since it was started, by the server's clock. */
  age: number
  restarts: number
  exitCode: number
}

/** Every container of the application in any state, by number. */
export async function replicas(host: Host, stack: StackConfig): Promise<Replica[]> {
  return parseReplicas(stack, await host.run('Looking at the replicas', looking(stack)))
}

/** A script that prints what `parseReplicas` reads. */
export const looking = (stack: StackConfig): Script => join([found(stack), bash`found | inspect`])

/** Defines the functions `found` and `inspect` of a script. */
const found = ({ project }: StackConfig): Script => remote('replicas', { project, inspected: INSPECTED })

/** The format for `docker inspect`: JSON, as in {@link Inspected}. */
export const INSPECTED = `{${['Id', 'Name', 'RestartCount', 'State', 'NetworkSettings']
  .map((key) => `"${key}":{{json .${key}}}`)
  .join(',')},"Image":{{json .Config.Image}},"Labels":{{json .Config.Labels}}}`

export interface Inspected {
  Id: string
  Name: string
  RestartCount: number
  State: {
    Running: boolean
    Paused: boolean
    Restarting: boolean
    OOMKilled: boolean
    /** Why the engine could not start it. */
    Error: string
    StartedAt: string
    FinishedAt: string
    ExitCode: number
    Health?: { Status: string }
  }
  Image: string
  Labels: Record<string, string>
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
}

/** @param output the server's clock in milliseconds, then a line for each container */
export function parseReplicas(stack: StackConfig, output: string): Replica[] {
  const [now, ...lines] = output.split('\n').filter(Boolean)
  const containers = lines.map((line) => replicaOf(stack, JSON.parse(line) as Inspected, Number(now)))
  return containers.sort(byName)
}

export function replicaOf(stack: StackConfig, container: Inspected, now: number): Replica {
  const release = container.Image.split(':').at(-1) as string
  const { IPAddress = '' } = container.NetworkSettings.Networks[`${stack.project}_frontend`] ?? {}
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    release,
    target: container.Labels['prusa.target'] || release,
    secrets: container.Labels['prusa.secrets'] ?? '',
    address: IPAddress,
    running: container.State.Running,
    age: now - Date.parse(container.State.StartedAt),
    restarts: container.RestartCount,
    exitCode: container.State.ExitCode,
  }
}

/** Starts more replicas of a target. If somebody removes one before it starts, another one is made. */
export async function startReplicas(
  host: Host,
  stack: StackConfig,
  target: Target,
  count: number,
): Promise<Replica[]> {
  const started: Replica[] = []
  for (let attempt = 0; attempt < ATTEMPTS && started.length < count; attempt++) {
    const parameters = {
      folder: stack.folder,
      project: stack.project,
      target: target.name,
      secrets: target.secrets,
      number: count - started.length,
    }
    const output = await host.run(
      `Starting replicas of release ${target.release}`,
      join([
        // Compose is told the number of all replicas, so it must not change meanwhile.
        mutex(stack, 'replicas'),
        found(stack),
        bash`{
${remote('start-replicas', parameters)}
} | inspect`,
      ]),
      { deadline: 120 },
    )
    started.push(...parseReplicas(stack, output))
  }
  if (started.length >= count) return started
  throw new OperatorError(`Somebody else removes fresh replicas of ${target.release} before they start`)
}

/** How often other replicas are made for those that somebody removes. */
const ATTEMPTS = 5

/**
 * Stops replicas by SIGTERM, kills them after the configured time, and removes them. The end of each log is kept on the
 * server. Somebody else may have removed one already.
 * @param asked whether they have prepared; else process1 asks them first
 */
export async function removeReplicas(
  host: Host,
  stack: StackConfig,
  gone: Replica[],
  asked = true,
): Promise<void> {
  if (gone.length === 0) return
  const { drain_timeout, stop_timeout } = stack.rollout
  const patience = stop_timeout + (asked ? 0 : drain_timeout)
  const ids = gone.map(({ id }) => id)
  const here = ids.flatMap((id) => ['--filter', `id=${id}`])
  await host.run(
    `Stopping ${namesOf(gone)}`,
    join([
      // No replica is started meanwhile: it would get an address that the balancer still knows as another one's.
      mutex(stack, 'replicas', true),
      remote('keep-log', { folder: stack.folder }),
      // A second signal tells process1 not to ask.
      ...(asked ? [bash`docker kill --signal TERM ${ids} >/dev/null 2>&1 || true`] : []),
      bash`docker stop --time ${patience} ${ids} >/dev/null || true`,
      ...gone.map(({ name, release }) => bash`keep_log ${name} ${release}`),
      bash`
docker rm ${ids} >/dev/null && exit
# A container that somebody else is removing is there for another moment, and cannot be removed.
until [ -z "$(docker ps -aq ${here})" ]; do
  docker ps -aq ${here} | xargs -r docker rm --force >/dev/null || sleep 0.2
done`,
    ]),
    { deadline: patience + 60 },
  )
}

export const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name).join(', ')

/** The names of the targets that run, the latest last. */
export const runningTargets = (list: readonly Replica[]): string[] => [
  ...new Set(list.filter(({ running }) => running).map(({ target }) => target)),
]

/** The target that runs, if a replica runs. @throws OperatorError if two targets run */
export const runningTarget = (list: readonly Replica[]) => onlyTarget(runningTargets(list))

/** The one target that runs, if one does. @throws OperatorError if two targets run */
export function onlyTarget([target, other]: readonly string[]): string | undefined {
  if (!other) return target
  throw new OperatorError(
    `${target} and ${other} run side by side: a rollout was interrupted`,
    'npm run redeploy finishes it, npm run rollback undoes it.',
    NOTHING_CHANGED,
  )
}

/** The addresses of those that run. */
export const addressesOf = (list: readonly Pick<Replica, 'address'>[]): string[] =>
  list.flatMap(({ address }) => address || [])

/** A script that prints the end of a container's log, without the questions of these scripts: ten a second. */
export const lastLog = (id: string, lines: number): Script =>
  bash`docker logs --tail 5000 ${id} 2>&1 | { grep -vE '/(status|prepare-for-deploy|ready-for-deploy)' || true; } | tail -n ${lines} || true`

/** The state of a container, and the end of its log. */
export async function lastWords(host: Host, { id, name }: Replica): Promise<string> {
  const script = bash`
docker inspect -f '{{with .State}}{{.Status}}{{if ne .Status "running"}}, exit code {{.ExitCode}}{{end}}{{with .Health}}, health {{.Status}}{{end}}{{end}}, restarted {{.RestartCount}} times' ${id} || true
${lastLog(id, 15)}`
  const [state = '', ...lines] = (await host.attempt(script)).stdout.trim().split('\n')
  return `${name} (${state}):\n${indent(withoutPasswords(lines.join('\n')))}`
}
