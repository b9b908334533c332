/**
 * The rollouts of a server. `history.jsonl` has a line of JSON for each rollout that has ended. `history.begun` has the
 * line of the rollout that is under way; if that is interrupted, its line stays there as `unfinished`.
 */
import { table } from '../cli/table.mts'
import { second } from '../cli/time.mts'
import type { StackConfig } from '../config/config.mts'
import { jsonIn } from '../host/facts.mts'
import { printing } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'

export interface Entry {
  /** ISO 8601, UTC. */
  when: string
  who: string
  /** Releases. `from` is empty if no replica got requests before. */
  from: string
  to: string
  /** Their targets. Lines of old versions of these scripts have none. */
  fromTarget?: string
  toTarget?: string
  result: 'released' | 'went back' | 'failed' | 'unfinished'
  /** Whether it was a rollback. */
  rollback?: boolean
  /** What the probe counted; absent if the probe did not run. */
  requests?: number
  failed?: number
  slowestMs?: number
  /** Requests that an old replica still held when it was stopped. */
  cut?: number
  seconds: number
  /** Whether create_db.py changed the schema. */
  schemaChanged: boolean
  /** Name of the backup of the database as it was before that. */
  backup?: string
}

/** Writes that a rollout begins. */
export async function recordBegun(host: Host, stack: StackConfig, entry: Entry): Promise<void> {
  await host.run(
    'Writing the history',
    bash`
cd ${stack.folder}
[ ! -e history.begun ] || cat history.begun >>history.jsonl
echo ${JSON.stringify(entry)} >history.begun`,
  )
}

/** Writes how a rollout ended. */
export async function record(host: Host, stack: StackConfig, entry: Entry): Promise<void> {
  await host.run(
    'Writing the history',
    bash`cd ${stack.folder}; echo ${JSON.stringify(entry)} >>history.jsonl; rm -f history.begun schema.changed`,
  )
}

/**
 * Writes how the last rollout ended, if it was interrupted when only that was missing.
 * @param target name of the target that all replicas run
 * @returns what it wrote, in words
 */
export async function noteInterrupted(
  host: Host,
  stack: StackConfig,
  history: readonly Entry[],
  target: string,
): Promise<string | undefined> {
  const last = history.at(-1)
  if (last?.result !== 'unfinished') return undefined
  const result = toOf(last) === target ? 'released' : 'went back'
  await record(host, stack, { ...last, result })
  return `the history now says that the interrupted rollout of ${toOf(last)} ${result === 'released' ? 'is complete' : 'went back'}`
}

/** All rollouts, the oldest first. A line that is not complete (the disk was full) is left out. */
export async function readHistory(host: Host, stack: StackConfig): Promise<Entry[]> {
  const files = ['history.jsonl', 'history.begun'].map((name) => `${stack.folder}/${name}`)
  return parseHistory(await host.run('Reading the history', printing(files)))
}

export function parseHistory(text: string): Entry[] {
  const entries = jsonIn<Entry>(text)
  // A rollout that was killed while it wrote its end is in both files.
  const ended = entries.filter(({ result }) => result !== 'unfinished').map(({ when, to }) => when + to)
  return entries.filter(({ result, when, to }) => result !== 'unfinished' || !ended.includes(when + to))
}

/** Names of targets. A line without a target stands for the target that is named after its release. */
const fromOf = ({ from, fromTarget }: Entry) => fromTarget ?? from
const toOf = ({ to, toTarget }: Entry) => toTarget ?? to

/**
 * The target that a rollback goes to. It undoes a rollout that was interrupted, and finishes a rollback that was interrupted.
 * Otherwise it goes to the target that ran before the present one.
 * @param running names of the targets of the running replicas, the latest last
 * @returns the name of a target
 */
export function rollbackTarget(history: readonly Entry[], running: readonly string[]): string | undefined {
  const last = history.at(-1)
  const interrupted =
    last?.result === 'unfinished' || (last?.result === 'failed' && running.includes(toOf(last)))
  if (!last || !interrupted || !last.from) return targetBefore(history, running.at(-1) ?? '')
  return last.rollback ? toOf(last) : fromOf(last)
}

/** The name of the target that ran before this one. */
export function targetBefore(history: readonly Entry[], current: string): string | undefined {
  const came = history.findLast(
    (entry) =>
      (entry.result === 'released' || entry.result === 'unfinished') &&
      toOf(entry) === current &&
      entry.from &&
      fromOf(entry) !== current,
  )
  return came && fromOf(came)
}

/** The releases that have changed the schema since this target ran. */
export function schemaChangedSince(history: readonly Entry[], target: string): string[] {
  const left = history.findLastIndex((entry) => fromOf(entry) === target)
  const since = history.slice(Math.max(0, left)).filter(({ schemaChanged }) => schemaChanged)
  return left < 0 ? [] : [...new Set(since.map(({ to }) => to))]
}

/** The release and target that ran before the last rollout, if that was interrupted. */
export function interruptedFrom(history: readonly Entry[]): { release: string; target: string } | undefined {
  const last = history.at(-1)
  return last?.result === 'unfinished' && last.from ? { release: last.from, target: fromOf(last) } : undefined
}

/** Every target that ever got requests, with its release, the latest first. */
function everUsed(history: readonly Entry[]): { release: string; target: string }[] {
  const all = history.flatMap((entry) => [
    { release: entry.from, target: fromOf(entry) },
    ...(entry.result === 'released' ? [{ release: entry.to, target: toOf(entry) }] : []),
  ])
  return all.filter(({ release }) => release).reverse()
}

/** The last target of a release that got requests. */
export function lastTarget(history: readonly Entry[], release: string): string | undefined {
  return everUsed(history).find((one) => one.release === release)?.target
}

/**
 * What pruning keeps: the last releases that got requests, the last target of each, and as many of the last targets.
 * @param current the target that runs
 * @param number  of releases to keep
 */
export function kept(
  history: readonly Entry[],
  current: { release: string; name: string },
  number: number,
): { releases: string[]; targets: string[] } {
  const all = [{ release: current.release, target: current.name }, ...everUsed(history)]
  const unique = (names: string[]) => [...new Set(names)]
  const releases = unique(all.map(({ release }) => release)).slice(0, number)
  const latest = releases.map((name) => all.find(({ release }) => release === name)?.target as string)
  const last = unique(all.map(({ target }) => target)).slice(0, number)
  return { releases, targets: unique([...latest, ...last]) }
}

/** The last rollout that replaced a release or tried to, and in which the probe ran to the end. */
export function lastCounted(history: readonly Entry[]): Entry | undefined {
  return history.findLast(
    ({ from, failed, result }) => from !== '' && failed !== undefined && result !== 'failed',
  )
}

/** The history as a table for people, the newest last. */
export function historyTable(entries: readonly Entry[]): string {
  const rows = entries.map((entry) => [
    second(entry.when),
    entry.who,
    fromOf(entry) || '-',
    toOf(entry),
    entry.rollback && entry.result === 'released' ? 'rolled back' : entry.result,
    entry.requests === undefined ? '-' : String(entry.requests),
    entry.failed === undefined ? '-' : String(entry.failed),
    entry.seconds.toFixed(1),
    entry.schemaChanged ? `changed${entry.backup ? `, before it ${entry.backup}` : ''}` : '',
  ])
  return table(['when (UTC)', 'who', 'from', 'to', 'result', 'requests', 'failed', 'seconds', 'schema'], rows)
}
