/**
 * The rollouts of a server: one line of JSON each, in a file that is only ever appended to, and beside it the one that has
 * begun: it is `unfinished` until it ends, and stays so when it was cut off.
 */
import { table } from '../cli/table.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'

export interface Entry {
  /** ISO 8601, UTC. */
  when: string
  who: string
  /** Releases; empty where nothing served before. */
  from: string
  to: string
  /** Targets of these; absent in what was noted before there were any. */
  fromTarget?: string
  toTarget?: string
  result: 'released' | 'went back' | 'failed' | 'unfinished'
  /** Whether it was to undo a rollout. */
  rollback?: boolean
  /** What the probe counted; absent where nothing was there to be asked. */
  requests?: number
  failed?: number
  slowestMs?: number
  /** Requests that an old replica still held when its time was over. */
  cut?: number
  seconds: number
  /** Whether create_db.py changed the schema on the way. */
  schemaChanged: boolean
}

/** Notes that a rollout begins. */
export async function recordBegun(host: Host, stack: StackConfig, entry: Entry): Promise<void> {
  await host.run(
    'Writing the history',
    bash`
cd ${stack.folder}
[ ! -e history.begun ] || cat history.begun >>history.jsonl
echo ${JSON.stringify(entry)} >history.begun`,
  )
}

/** Notes how it ended. */
export async function record(host: Host, stack: StackConfig, entry: Entry): Promise<void> {
  await host.run(
    'Writing the history',
    bash`cd ${stack.folder}; echo ${JSON.stringify(entry)} >>history.jsonl; rm -f history.begun`,
  )
}

/** All rollouts, the oldest first. A line that a full disk cut short is left out. */
export async function readHistory(host: Host, stack: StackConfig): Promise<Entry[]> {
  const { folder } = stack
  const files = bash`${folder}/history.jsonl ${folder}/history.begun`
  return parseHistory(await host.run('Reading the history', bash`cat ${files} 2>/dev/null || true`))
}

export function parseHistory(text: string): Entry[] {
  const entries = text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Entry]
    } catch {
      return []
    }
  })
  // Killed while it noted its end, a rollout is in both files.
  const ended = entries.filter(({ result }) => result !== 'unfinished').map(({ when, to }) => when + to)
  return entries.filter(({ result, when, to }) => result !== 'unfinished' || !ended.includes(when + to))
}

/** Names of targets: what was noted without one is named after its release. */
const fromOf = ({ from, fromTarget }: Entry) => fromTarget ?? from
const toOf = ({ to, toTarget }: Entry) => toTarget ?? to

/**
 * Where a rollback goes to: what a rollout that was cut off came from (a rollback that was cut off is finished), else what
 * ran before the present target.
 * @param running names of the targets of the replicas that run, the latest last
 * @returns the name of a target
 */
export function wayBack(history: readonly Entry[], running: readonly string[]): string | undefined {
  const last = history.at(-1)
  const cutOff = last?.result === 'unfinished' || (last?.result === 'failed' && running.includes(toOf(last)))
  if (!last || !cutOff || !last.from) return targetBefore(history, running.at(-1) ?? '')
  return last.rollback ? toOf(last) : fromOf(last)
}

/** What ran before this target: the name of another one. */
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

/** The releases that changed the schema since this target ran. */
export function schemaChangedSince(history: readonly Entry[], target: string): string[] {
  const left = history.findLastIndex((entry) => fromOf(entry) === target)
  const since = history.slice(Math.max(0, left)).filter(({ schemaChanged }) => schemaChanged)
  return left < 0 ? [] : [...new Set(since.map(({ to }) => to))]
}

/** Release and target that ran before the last rollout, where that was cut off. */
export function cutOffFrom(history: readonly Entry[]): { release: string; target: string } | undefined {
  const last = history.at(-1)
  return last?.result === 'unfinished' && last.from ? { release: last.from, target: fromOf(last) } : undefined
}

/** Release and target that the last rollout left which came to its end. */
export function lastReleased(history: readonly Entry[]): { release: string; target: string } | undefined {
  const last = history.findLast(({ result }) => result === 'released')
  return last && { release: last.to, target: toOf(last) }
}

/** Every target that served, with its release, the latest first. */
function served(history: readonly Entry[]): { release: string; target: string }[] {
  const all = history.flatMap((entry) => [
    { release: entry.from, target: fromOf(entry) },
    ...(entry.result === 'released' ? [{ release: entry.to, target: toOf(entry) }] : []),
  ])
  return all.filter(({ release }) => release).reverse()
}

/** The target in which a release served last. */
export function lastTarget(history: readonly Entry[], release: string): string | undefined {
  return served(history).find((one) => one.release === release)?.target
}

/**
 * What pruning leaves: the last releases that served, and of each the target in which it served last; beside them as many
 * of the last targets.
 * @param current the target that runs
 */
export function kept(
  history: readonly Entry[],
  current: { release: string; name: string },
  number: number,
): { releases: string[]; targets: string[] } {
  const all = [{ release: current.release, target: current.name }, ...served(history)]
  const unique = (names: string[]) => [...new Set(names)]
  const releases = unique(all.map(({ release }) => release)).slice(0, number)
  const latest = releases.map((name) => all.find(({ release }) => release === name)?.target as string)
  const last = unique(all.map(({ target }) => target)).slice(0, number)
  return { releases, targets: unique([...latest, ...last]) }
}

/** The last rollout that replaced a release or tried to, and in which a client counted requests to the end. */
export function lastCounted(history: readonly Entry[]): Entry | undefined {
  return history.findLast(
    ({ from, failed, result }) => from !== '' && failed !== undefined && result !== 'failed',
  )
}

/** The history as a table for people, the newest last. */
export function historyTable(entries: readonly Entry[]): string {
  const rows = entries.map((entry) => [
    entry.when.slice(0, 19).replace('T', ' '),
    entry.who,
    fromOf(entry) || '-',
    toOf(entry),
    entry.rollback && entry.result === 'released' ? 'rolled back' : entry.result,
    entry.requests === undefined ? '-' : String(entry.requests),
    entry.failed === undefined ? '-' : String(entry.failed),
    entry.seconds.toFixed(1),
    entry.schemaChanged ? 'changed' : '',
  ])
  return table(['when (UTC)', 'who', 'from', 'to', 'result', 'requests', 'failed', 'seconds', 'schema'], rows)
}
