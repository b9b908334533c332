/** Checks every line of the task sheet on the live server. Changes nothing. */
import process from 'node:process'
import { styleText } from 'node:util'
import { live } from './lib/cli/live.mts'
import { count, result, say, warn } from './lib/cli/say.mts'
import { describe, lookAtMaintenance } from './lib/edge/maintenance.mts'
import { lastCounted, readHistory } from './lib/proof/history.mts'
import { type Run, script } from './lib/run.mts'
import { ageWarnings, lookAtBase } from './lib/verify/age.mts'
import { lookAtFront, lookInside } from './lib/verify/inside.mts'
import { lookFromOutside } from './lib/verify/outside.mts'
import { judge } from './lib/verify/sheet.mts'
import type { Verdict } from './lib/verify/verdict.mts'
import { warnings } from './lib/verify/warnings.mts'

/** Prints a verdict for each line of the task sheet. The exit code is 1 when a line fails. */
export async function verify({ host, stack, options }: Run): Promise<void> {
  say(`verify on ${host.name}`)
  const looked = live('Every line of the task sheet')
  const front = await lookAtFront(host, stack)
  const [inside, outside, history, base, closed] = await Promise.all([
    lookInside(host, stack, front.https),
    lookFromOutside(host, stack, front),
    readHistory(host, stack),
    lookAtBase(host, stack),
    lookAtMaintenance(host, stack),
  ]).finally(looked)
  const verdicts = judge({ front, inside, outside, rollout: lastCounted(history) })

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
  for (const warning of [...warnings(inside), ...ageWarnings(base, Date.now())]) warn(warning)
  if (closed.on)
    warn(`${describe(closed)} That is why pages answer 503. To end it: npm run maintenance -- off`)
  if (verdicts.some(({ ok }) => !ok)) process.exitCode = 1
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
)
