/** Switches the page on or off that users get while the site is worked on. */
import { OperatorError, WrongCall } from './lib/cli/errors.mts'
import { nearest } from './lib/cli/nearest.mts'
import { result } from './lib/cli/say.mts'
import {
  addressesOf,
  describe,
  lookAtMaintenance,
  type Maintenance,
  pageOf,
  switchOff,
  switchOn,
} from './lib/edge/maintenance.mts'
import { type Run, script } from './lib/run.mts'
import { requireRunning } from './lib/stack/stack.mts'

const VERBS = ['on', 'off', 'status']

export async function maintenance(run: Run): Promise<void> {
  const { host, stack, words, options } = run
  const [verb = 'status'] = words
  if (!VERBS.includes(verb))
    throw new WrongCall(
      `“${verb}” was not expected; the nearest is “${nearest(verb, VERBS)}”`,
      'npm run maintenance -- on, off or status',
    )
  if (options.allow !== undefined && verb !== 'on')
    throw new WrongCall('--allow goes with on', 'npm run maintenance -- on --allow ADDRESS')
  const allowed = addressesOf(options.allow)
  if (verb === 'on') await requireRunning(host, stack, 'lb')
  const now = await {
    on: () => switchOn(host, stack, pageOf(run.folder), allowed),
    off: () => switchOff(host, stack),
    status: () => lookAtMaintenance(host, stack),
  }[verb as 'on' | 'off' | 'status']()
  if (!now.known && verb === 'on')
    throw new OperatorError(
      'The nginx that runs has a configuration from before there was maintenance',
      'npx zx scripts/04-stack.mts, then the same command again.',
      'nothing was changed.',
    )
  if (options.json) result(JSON.stringify(asJson(now)))
  else result(`${describe(now)}${verb === 'status' || now.changed ? '' : ' Nothing to do.'}`)
}

const asJson = ({ on, who, since, allowed }: Maintenance) => ({ on, ...(on && { who, since, allowed }) })

await script(
  import.meta.url,
  `
Answers users by a page with status 503, switched without a reload: no connection is refused.
/status goes through, and so do the addresses that are named. It stays on through reloads, rollouts and reboots.
The page is config/maintenance.html where there is one.

  npm run maintenance -- on|off|status [--allow ADDRESS --host USER@NAME]

  --allow ADDRESS    with on: who gets through, commas between; on again names others
  --json             as JSON on standard output

Examples:
  npm run maintenance -- on --allow 203.0.113.7
  npm run maintenance -- off
`,
  maintenance,
  1,
)
