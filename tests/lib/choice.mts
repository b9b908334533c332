/** Which files of tests run, together or one by one, and in which order. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../../scripts/lib/config/config.mts'

/**
 * The longest first, so that both lanes end at about the same time. `npm test` prints the seconds of each at its end;
 * a file that is not here comes after these, one of servers or stacks before the short ones of tests/unit.
 */
const LONGEST = [
  'server/bare',
  'server/swarm',
  'stack/site',
  'stack/operator',
  'stack/survival',
  'stack/changes',
  'stack/backup',
  'stack/certificates',
  'stack/releases',
  'stack/own',
  'stack/official',
  'stack/minimal',
  'stack/rollout',
  'server/logins',
  'stack/dashboard',
  'stack/major',
  'stack/secrets',
  'server/preflight',
  'stack/build',
  'stack/images',
  'stack/ready',
  'unit/unit',
  'unit/run',
  'unit/lock',
]
const ROOMS = ['server', 'stack', 'unit']

/** Files of tests that share a process, and maybe a deployment, by the file that imports them all. */
type Groups = Record<string, string[]>

/** @param files NAME.group.mts among others. One that names no file imports its folder, without the longest */
export function groupsIn(files: string[]): Groups {
  const groups = files.filter((file) => file.endsWith('.group.mts'))
  const beside = (group: string) =>
    files.filter(
      (file) => path.dirname(file) === path.dirname(group) && !groups.includes(file) && !isLong(file),
    )
  return Object.fromEntries(
    groups.map((file) => {
      const named = importsOf(file)
      return [file, named.length > 0 ? named : beside(file)]
    }),
  )
}

const importsOf = (file: string) =>
  [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^import '(.*)'$/gm)].map(([, name = '']) =>
    path.join(path.dirname(file), name),
  )

/**
 * Chooses the files whose path holds one of the words, or all without words; the longest first. Files of one group run
 * together when all of them are chosen, or when a word is the name of their group.
 */
export function chosen(files: string[], words: string[], groups: Groups = {}): string[] {
  const named = (file: string) => words.length === 0 || words.some((word) => file.includes(word))
  const whole = Object.keys(groups).filter((group) => named(group) || groups[group]?.every(named))
  const together = new Set(whole.flatMap((group) => groups[group] ?? []))
  const single = files.filter((file) => !(file in groups) && named(file) && !together.has(file))
  return [...whole, ...single].toSorted((a, b) => place(a) - place(b) || a.localeCompare(b))
}

/** Whether it is one of the longest, which run beside others. */
export const isLong = (file: string) => LONGEST.some((name) => file.includes(`/${name}.`))

function place(file: string): number {
  const longest = LONGEST.findIndex((name) => file.includes(`/${name}.`))
  return longest >= 0 ? longest : LONGEST.length + ROOMS.findIndex((room) => file.includes(`/${room}/`))
}
