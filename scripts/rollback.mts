/** Goes back to the release before, by the same loop and without a build. */
import { OperatorError } from './lib/errors.mts'
import { readHistory, wayBack } from './lib/history.mts'
import { replicas } from './lib/replica.mts'
import { begin } from './lib/run.mts'
import { list, say, warn } from './lib/say.mts'

const { host, stack, options } = begin(`
Rolls out the release that ran before the present one; builds nothing.

  npm run rollback [-- --host USER@NAME]

  --release NAME     go back to this release instead
  --dry-run          say what would be done, and do nothing
`)

const running = (await replicas(host, stack)).filter((one) => one.running).map(({ release }) => release)
const present = [...new Set(running)]
if (present.length === 0)
  throw new OperatorError(
    'No release runs, so there is none to go back from',
    'npm run deploy',
    'nothing was changed.',
  )
const before = wayBack(await readHistory(host, stack), present)
if (!options.release && !before)
  throw new OperatorError(
    `The history knows no release before ${present.at(-1)}`,
    'npm run history, then: npm run rollback -- --release NAME',
    'nothing was changed.',
  )
options.release ??= before?.release as string
options.rollback = true
say(`rollback on ${host.name}: release ${list(present)} → ${options.release}`)
if (before && before.schemaChangedBy.length > 0)
  warn(`The schema was changed by release ${list(before.schemaChangedBy)} since; it stays as it is now.`)

await import('./redeploy.mts')
