/** Which files of tests run, and in which order. */

/**
 * The longest first, so that both lanes end at about the same time. `npm test` prints the seconds of each at its end;
 * a file that is not here comes after these, one of servers or stacks before the short ones of tests/unit.
 */
const LONGEST = [
  'server/trixie',
  'stack/rollout',
  'stack/targets',
  'stack/official',
  'stack/redeploy',
  'stack/wrong-input',
  'stack/steps',
  'server/sshd',
  'stack/rotate',
  'server/users',
  'stack/resilience',
  'server/preflight',
  'stack/acme-refused',
  'server/bare',
  'stack/acme',
  'stack/database',
  'stack/interrupted',
  'stack/verify',
  'stack/own-app',
  'stack/build',
  'stack/certificate',
  'stack/migration',
  'stack/secrets',
  'stack/limits',
  'stack/faults',
  'stack/passes',
]
const ROOMS = ['server', 'stack', 'unit']

/** Those whose path holds one of the words, or all without words; the longest first. */
export function chosen(files: string[], words: string[]): string[] {
  const wanted =
    words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)))
  return wanted.toSorted((a, b) => place(a) - place(b) || a.localeCompare(b))
}

function place(file: string): number {
  const longest = LONGEST.findIndex((name) => file.endsWith(`/${name}.test.mts`))
  return longest >= 0 ? longest : LONGEST.length + ROOMS.findIndex((room) => file.includes(`/${room}/`))
}
