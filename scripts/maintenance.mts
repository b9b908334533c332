/** Switches the maintenance page on or off. */
import { NOTHING_CHANGED, OperatorError, WrongCall } from './lib/cli/errors.mts'
import { requireVerb } from './lib/cli/nearest.mts'
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
  requireVerb(verb, VERBS, 'npm run maintenance -- on, off or status')
  if (options.allow !== undefined && verb !== 'on')
    throw new WrongCall('--allow needs the word on', 'npm run maintenance -- on --allow ADDRESS')
  const allowed = addressesOf(options.allow)
  if (verb === 'on') await requireRunning(host, stack, 'lb')
  const now = await {
    on: () => switchOn(host, stack, pageOf(run.folder), allowed),
    off: () => switchOff(host, stack),
    status: () => lookAtMaintenance(host, stack),
  }[verb as 'on' | 'off' | 'status']()
  if (!now.known && verb === 'on')
    throw new OperatorError(
      'The running nginx has an old configuration, which knows no maintenance',
      'npx zx scripts/04-stack.mts, then the same command again.',
      NOTHING_CHANGED,
    )
  if (options.json) result(JSON.stringify(asJson(now)))
  else result(`${describe(now)}${verb === 'status' || now.changed ? '' : ' Nothing to do.'}`)
}

const asJson = ({ on, who, since, allowed }: Maintenance) => ({ on, ...(on && { who, since, allowed }) })

await script(
  import.meta.url,
  `
Switches the maintenance page on or off: users get it, with status 503. No connection is refused.
/status and the addresses that you name get through. The page stays on through reloads, rollouts and reboots.
A page of your own is config/maintenance.html.

  npm run maintenance -- on|off|status [--allow ADDRESS --host USER@NAME]

  --allow ADDRESS    with on: the addresses that get through, separated by commas; on again replaces them
  --json             as JSON on standard output

Examples:
  npm run maintenance -- on --allow 203.0.113.7
  npm run maintenance -- off
`,
  maintenance,
  1,
  { instead: 'npm run status shows what runs.' },
)
