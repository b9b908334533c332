/**
 * The rollouts of a server: one line of JSON each, in a file that is only ever appended to, and beside it the one that has
 * begun: it is `unfinished` until it ends, and stays so when it was cut off.
 */
import { userInfo } from 'node:os'
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { bash } from './shell.mts'
import { table } from './table.mts'

export interface Entry {
  /** ISO 8601, UTC. */
  when: string
  who: string
  from: string
  to: string
  result: 'released' | 'went back' | 'failed' | 'unfinished'
  /** Whether it was to undo a rollout. */
  rollback?: boolean
  /** What the probe counted; absent where nothing was there to be asked. */
  requests?: number
  failed?: number
  slowestMs?: number
  seconds: number
  /** Whether create_db.py changed the schema on the way. */
  schemaChanged: boolean
}

export const who = () => userInfo().username

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

/** Where a rollback goes to, and the releases that changed the schema since then. */
export interface WayBack {
  release: string
  schemaChangedBy: string[]
}

/**
 * Where a rollback goes to: what a rollout that was cut off came from (a rollback that was cut off is finished), else the
 * release that ran before the present one.
 * @param running releases of the replicas that run, the latest last
 */
export function wayBack(history: readonly Entry[], running: readonly string[]): WayBack | undefined {
  const last = history.at(-1)
  const cutOff = last?.result === 'unfinished' || (last?.result === 'failed' && running.includes(last.to))
  if (!last || !cutOff || !last.from) return releaseBefore(history, running.at(-1) ?? '')
  if (last.rollback) return { release: last.to, schemaChangedBy: [] }
  return { release: last.from, schemaChangedBy: last.schemaChanged ? [last.to] : [] }
}

/** The release that ran before this one. */
export function releaseBefore(history: readonly Entry[], current: string): WayBack | undefined {
  const came = history.findLastIndex(
    ({ to, from, result }) =>
      (result === 'released' || result === 'unfinished') && to === current && from && from !== to,
  )
  const release = history[came]?.from
  if (!release) return undefined
  const since = history.slice(came).filter(({ schemaChanged }) => schemaChanged)
  return { release, schemaChangedBy: [...new Set(since.map(({ to }) => to))] }
}

/** Every release that served, the latest first. */
export function served(history: readonly Entry[]): string[] {
  const names = history.flatMap(({ from, to, result }) => (result === 'released' ? [from, to] : [from]))
  return [...new Set(names.filter(Boolean).reverse())]
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
    entry.from || '-',
    entry.to,
    entry.rollback && entry.result === 'released' ? 'rolled back' : entry.result,
    entry.requests === undefined ? '-' : String(entry.requests),
    entry.failed === undefined ? '-' : String(entry.failed),
    entry.seconds.toFixed(1),
    entry.schemaChanged ? 'changed' : '',
  ])
  return table(['when (UTC)', 'who', 'from', 'to', 'result', 'requests', 'failed', 'seconds', 'schema'], rows)
}
