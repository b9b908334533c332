/** Checks every line of the task sheet on the live server. Changes nothing. */
import process from 'node:process'
import { styleText } from 'node:util'
import { live } from './lib/cli/live.mts'
import { count, list, result, say, warn } from './lib/cli/say.mts'
import type { StackConfig } from './lib/config/config.mts'
import { areDifferent, describe, describeEach, lookAtMaintenance, type Of } from './lib/edge/maintenance.mts'
import type { Host } from './lib/host/host.mts'
import { lastCounted, readHistory } from './lib/proof/history.mts'
import { type Run, script } from './lib/run.mts'
import { certificateAlarms, lookAtRenewal } from './lib/status/renewed.mts'
import { ageWarnings, lookAtBase } from './lib/verify/age.mts'
import { lookAtFront, lookInside } from './lib/verify/inside.mts'
import { lookFromOutside } from './lib/verify/outside.mts'
import type { Seen, Verdict } from './lib/verify/verdict.mts'
import { warnings } from './lib/verify/warnings.mts'

/** Prints a verdict for each line of the task sheet. The exit code is 1 when a line fails. */
export async function verify({ host, hosts, stack, engine, options }: Run): Promise<void> {
  say(`verify on ${list(hosts.map(({ name }) => name))}`)
  const looked = live('Every line of the task sheet')
  const ofEach = <T,>(see: (one: Host) => Promise<T>) => Promise.all(hosts.map(see))
  const [all, history, base, closed, renewed] = await Promise.all([
    ofEach((one) => look(one, stack)),
    readHistory(host, stack),
    lookAtBase(host, stack),
    ofEach(async (one) => ({ name: one.name, now: await lookAtMaintenance(one, stack) })),
    ofEach(async (one) => ({ name: one.name, ...(await lookAtRenewal(one, stack)) })),
  ]).finally(looked)
  const seen = all as [Seen, ...Seen[]]
  const verdicts = await engine.judge(host, seen, lastCounted(history))

  if (options.json) result(JSON.stringify(verdicts, null, 2))
  else {
    let chapter = ''
    for (const verdict of verdicts) {
      if (verdict.chapter !== chapter) result(styleText('bold', verdict.chapter))
      chapter = verdict.chapter
      result(`  ${sign(verdict)} ${verdict.required}: ${verdict.evidence}`)
    }
    result(sum(verdicts))
  }
  for (const warning of [...warnings(seen[0].inside), ...ageWarnings(base, Date.now())]) warn(warning)
  for (const one of renewed) {
    const where = hosts.length > 1 ? `${one.name}: ` : ''
    for (const { what, next } of certificateAlarms(stack, one, Date.now()))
      warn(`${where}${what}. Next: ${next}`)
  }
  const [first] = closed as [Of, ...Of[]]
  if (areDifferent(closed)) warn(describeEach(closed))
  else if (first.now.on)
    warn(`${describe(first.now)} That is why pages answer 503. To end it: npm run maintenance -- off`)
  if (verdicts.some(({ ok }) => !ok)) process.exitCode = 1
}

/** Looks at a server from inside and from outside. */
async function look(host: Host, stack: StackConfig): Promise<Seen> {
  const front = await lookAtFront(host, stack)
  const [inside, outside] = await Promise.all([
    lookInside(host, stack, front.https),
    lookFromOutside(host, stack, front),
  ])
  return { host: host.name, front, inside, outside }
}

function sign({ ok, shown }: Verdict): string {
  if (!ok) return styleText('red', '✗')
  return shown ? styleText('green', '✓') : '–'
}

/** The last line: `20 lines as required, 1 not shown yet: npm run redeploy -- --force`. */
export function sum(verdicts: readonly Verdict[]): string {
  const failed = verdicts.filter(({ ok }) => !ok).length
  const open = verdicts.filter(({ ok, shown }) => ok && !shown).length
  return [
    `${count(verdicts.length - failed - open, 'line')} as required`,
    failed > 0 && `${failed} failed`,
    open > 0 && `${open} not shown yet: npm run redeploy -- --force`,
  ]
    .filter(Boolean)
    .join(', ')
}

await script(
  import.meta.url,
  `
Checks every line of the task sheet on the live server, from outside as a user and from inside as root.
Changes nothing. The exit code is 1 when a line fails. A dash means: no rollout has shown it yet.

  npm run verify [-- --host USER@NAME]

  --json             the verdicts as JSON on standard output

Examples:
  npm run verify
  npm run verify -- --host admin@203.0.113.7
`,
  verify,
  0,
  'data',
)
