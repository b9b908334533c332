/** The rollouts of a server: one line of JSON each, in a file that is only ever appended to. */
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
  result: 'released' | 'went back' | 'failed'
  /** What the probe counted; absent where nothing was there to be asked. */
  requests?: number
  failed?: number
  slowestMs?: number
  seconds: number
  /** Whether create_db.py changed the schema on the way. */
  schemaChanged: boolean
}

export const who = () => userInfo().username

const file = (stack: StackConfig) => `${stack.folder}/history.jsonl`

export async function record(host: Host, stack: StackConfig, entry: Entry): Promise<void> {
  await host.run('Writing the history', bash`echo ${JSON.stringify(entry)} >>${file(stack)}`)
}

/** All rollouts, the oldest first. A line that a full disk cut short is left out. */
export async function readHistory(host: Host, stack: StackConfig): Promise<Entry[]> {
  return parseHistory(await host.run('Reading the history', bash`cat ${file(stack)} 2>/dev/null || true`))
}

export function parseHistory(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Entry]
    } catch {
      return []
    }
  })
}

/** The release that ran before this one, and those after it whose create_db.py changed the schema. */
export function releaseBefore(
  history: readonly Entry[],
  current: string,
): { release: string; schemaChangedBy: string[] } | undefined {
  const came = history.findLastIndex(
    ({ to, from, result }) => result === 'released' && to === current && from && from !== to,
  )
  const release = history[came]?.from
  if (!release) return undefined
  const since = history.slice(came).filter(({ schemaChanged }) => schemaChanged)
  return { release, schemaChangedBy: [...new Set(since.map(({ to }) => to))] }
}

/** Every release that served, the latest first. */
export function served(history: readonly Entry[]): string[] {
  const names = history.filter(({ result }) => result === 'released').flatMap(({ from, to }) => [from, to])
  return [...new Set(names.filter(Boolean).reverse())]
}

/** The history as a table for people, the newest last. */
export function historyTable(entries: readonly Entry[]): string {
  const rows = entries.map((entry) => [
    entry.when.slice(0, 19).replace('T', ' '),
    entry.who,
    entry.from || '-',
    entry.to,
    entry.result,
    entry.requests === undefined ? '-' : String(entry.requests),
    entry.failed === undefined ? '-' : String(entry.failed),
    entry.seconds.toFixed(1),
    entry.schemaChanged ? 'changed' : '',
  ])
  return table(['when (UTC)', 'who', 'from', 'to', 'result', 'requests', 'failed', 'seconds', 'schema'], rows)
}
