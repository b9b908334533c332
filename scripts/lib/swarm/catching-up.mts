/** A manager that was away learns of the rollouts meanwhile: history and targets are on all managers. */
import type { StackConfig } from '../config/config.mts'
import { jsonIn, linesIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, remote } from '../host/shell.mts'
import type { Entry } from '../proof/history.mts'

interface Known {
  host: Host
  /** Lines of the history. */
  lines: string[]
  /** Names of targets. */
  targets: string[]
}

/** Gives a host what others know of past rollouts. @param others may have it among them */
export async function catchUp(host: Host, others: readonly Host[], stack: StackConfig): Promise<void> {
  if (others.length < 2) return
  const all = await Promise.all(
    [host, ...others.filter((one) => one !== host)].map((one) => look(one, stack)),
  )
  const [own, ...rest] = all as [Known, ...Known[]]
  const lines = together(all.map((one) => one.lines))
  if (lines.length === own.lines.length) return
  for (const other of rest) {
    const names = other.targets.filter((name) => !own.targets.includes(name)).map((name) => `targets/${name}`)
    if (names.length === 0) continue
    const pack = remote('pack-mirror', { folder: stack.folder, names, digest: 'no' })
    await other.host.pipe(
      'Fetching targets',
      pack,
      host,
      bash`umask 077; tar -x -p -C ${stack.folder}; cat >/dev/null`,
    )
    own.targets.push(...other.targets)
  }
  // The last step: until then, the next run finds the same difference.
  await host.writeFiles([
    { path: `${stack.folder}/history.jsonl`, content: `${lines.join('\n')}\n`, mode: '600' },
  ])
}

/** The lines of several copies of a history, in the order of time. Each is there once. */
export function together(copies: readonly string[][]): string[] {
  const lines = [...new Set(copies.flat())]
  const when = (line: string) => jsonIn<Entry>(line)[0]?.when ?? ''
  return lines.toSorted((a, b) => when(a).localeCompare(when(b)))
}

async function look(host: Host, { folder }: StackConfig): Promise<Known> {
  const script = bash`
cd ${folder} 2>/dev/null || exit 0
sed 's/^/line\t/' history.jsonl 2>/dev/null || true
find targets -mindepth 1 -maxdepth 1 -printf 'target\t%f\n' 2>/dev/null || true`
  const of = linesIn(await host.run('Looking at the history', script))
  return { host, lines: of('line'), targets: of('target') }
}
