/** What a page says that a command prints, and what it printed: compared in what is the same on every machine and day. */

/** What differs from run to run, and what stands for it; in this order. */
const VARIES: [RegExp, string][] = [
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  [/\u001b\[[\d;]*[A-Za-z]/g, ''],
  [/\b[0-9a-f]{12}\b/g, 'RELEASE'],
  [/\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?)?/g, 'DATE'],
  [/\b\d\d-\d\d \d\d:\d\d:\d\d\.\d+/g, 'DATE'],
  [/\bDebian GNU\/Linux \d+ \(\w+\)/g, 'SYSTEM'],
  [/\bapp-\d+/g, 'app-N'],
  [/(?<=requests: )\d+ and \d+/g, 'N and N'], // shares of replicas: another request may come in between
  [/\bhttps:\/\/[^/\s]+/g, 'https://SITE'],
  [/\d+(\.\d+)?(?= ?(s|ms|min|h|days?|%|[MG]B|requests?|to the others)\b)/g, 'N'],
  [/ {2,}/g, ' '],
]

/** What the page calls the server; here it has another name. */
const SERVERS = ['this machine', 'admin@203.0.113.7', 'ssh://admin@203.0.113.7']

const plain = (line: string) =>
  [...VARIES, ...SERVERS.toReversed().map((name) => [name, 'SERVER'] as const)].reduce(
    (text, [varies, name]) => text.replaceAll(varies, name),
    line.trim(),
  )

/** A line of a page as a pattern: `…` stands for anything. */
const patternOf = (line: string) =>
  new RegExp(
    `^${plain(line)
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )

/**
 * What of a sample is not so in an output; empty when all is.
 * @param sample lines in their order; one that is `…` alone stands for any number of lines
 */
export function missing(sample: readonly string[], output: string): string {
  const lines = linesOf(output)
  let at = 0
  let gap = false
  for (const wanted of sample.filter((line) => line.trim())) {
    if (isGap(wanted)) {
      gap = true
      continue
    }
    const pattern = patternOf(wanted)
    const found = lines.findIndex((line, index) => index >= at && pattern.test(line))
    if (found < 0 || (!gap && found > at)) return told(wanted, gap ? '' : (lines[at] ?? ''), output)
    at = found + 1
    gap = false
  }
  return gap || at === lines.length ? '' : `it goes on: ${lines[at]}\nIn the output:\n${output}`
}

/** The same in any order. */
export function missingAnywhere(sample: readonly string[], output: string): string {
  const lines = linesOf(output)
  const wanted = sample.filter((line) => line.trim() && !isGap(line))
  const absent = wanted.find((one) => !lines.some((line) => patternOf(one).test(line)))
  if (absent) return told(absent, '', output)
  const more = sample.some(isGap)
    ? undefined
    : lines.find((line) => !wanted.some((one) => patternOf(one).test(line)))
  return more ? `it has, too: ${more}\nIn the output:\n${output}` : ''
}

const isGap = (line: string) => line.trim() === '…'

const told = (wanted: string, instead: string, output: string) =>
  `the page has: ${wanted}\n${instead ? `but there is:  ${instead}\n` : ''}In the output:\n${output}`

/** Without empty lines, and without what npm says itself, or draws on a terminal. */
function linesOf(output: string): string[] {
  return output
    .replaceAll('\r', '')
    .split('\n')
    .filter((line) => line.trim() && !/^> (prusa-deploy@|zx )/.test(line))
    .map(plain)
    .filter((line) => !/^[\u2800-\u28ff]*$/.test(line))
}
