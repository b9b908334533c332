/** Switches the maintenance page on or off. */
import { NOTHING_CHANGED, OperatorError, WrongCall } from './lib/cli/errors.mts'
import { requireVerb } from './lib/cli/nearest.mts'
import { list, result } from './lib/cli/say.mts'
import {
  addressesOf,
  areDifferent,
  describe,
  describeEach,
  lookAtMaintenance,
  type Of,
  pageOf,
  switchOff,
  switchOn,
} from './lib/edge/maintenance.mts'
import { onEach } from './lib/host/each.mts'
import { type Run, script } from './lib/run.mts'
import { requireRunning } from './lib/stack/stack.mts'

const VERBS = ['on', 'off', 'status']

export async function maintenance(run: Run): Promise<void> {
  const { host, hosts, stack, words, options } = run
  const [verb = 'status'] = words
  requireVerb(verb, VERBS, 'npm run maintenance -- on, off or status')
  if (options.allow !== undefined && verb !== 'on')
    throw new WrongCall('--allow needs the word on', 'npm run maintenance -- on --allow ADDRESS')
  const allowed = addressesOf(options.allow)
  if (verb === 'on') await requireRunning(host, stack, 'lb')
  const page = pageOf(run.folder)
  const all = await onEach(hosts, async (one) => ({
    name: one.name,
    now: await {
      on: () => switchOn(one, stack, page, allowed),
      off: () => switchOff(one, stack),
      status: () => lookAtMaintenance(one, stack),
    }[verb as 'on' | 'off' | 'status'](),
  }))
  const old = all.filter(({ now }) => !now.known).map(({ name }) => name)
  if (old.length > 0 && verb === 'on')
    throw new OperatorError(
      `The running nginx${hosts.length > 1 ? ` on ${list(old)}` : ''} has an old configuration, which knows no maintenance`,
      'npx zx scripts/04-stack.mts, then the same command again.',
      hosts.length > 1 ? 'maintenance is on where nginx knows it.' : NOTHING_CHANGED,
    )
  const [first] = all as [Of, ...Of[]]
  const differ = areDifferent(all)
  const changed = verb === 'status' || all.some(({ now }) => now.changed)
  if (options.json) result(JSON.stringify(differ ? all.map(asJson) : asJson({ now: first.now })))
  else if (differ) result(describeEach(all))
  else result(`${describe(first.now)}${changed ? '' : ' Nothing to do.'}`)
}

const asJson = ({ name, now: { on, who, since, allowed } }: Partial<Of> & Pick<Of, 'now'>) => ({
  ...(name && { host: name }),
  on,
  ...(on && { who, since, allowed }),
})

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
  'each',
)
