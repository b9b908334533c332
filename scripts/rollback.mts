/** Goes back to the release before, by the same loop and without a build. */
import { OperatorError } from './lib/errors.mts'
import { lastTarget, readHistory, schemaChangedSince, wayBack } from './lib/history.mts'
import { withLock } from './lib/lock.mts'
import { replicas } from './lib/replica.mts'
import { begin } from './lib/run.mts'
import { list, say, warn } from './lib/say.mts'

const { host, stack, options } = begin(`
Rolls out what ran before: the release, with the settings that it had. Builds nothing.

  npm run rollback [-- --host USER@NAME]

  --release NAME     go back to this release instead
  --dry-run          say what would be done, and do nothing
`)

await targetsThatRun() // where none does, not even the lock's files are left
if (options['dry-run']) await goBack()
else await withLock(host, stack, 'rollback', goBack)

async function goBack(): Promise<void> {
  const present = await targetsThatRun()
  const history = await readHistory(host, stack)
  const { release } = options
  const target = release ? (lastTarget(history, release) ?? release) : wayBack(history, present)
  if (!target)
    throw new OperatorError(
      `The history knows nothing before ${present.at(-1)}`,
      'npm run history, then: npm run rollback -- --release NAME',
      'nothing was changed.',
    )
  options.target = target
  options.rollback = true
  say(`rollback on ${host.name}: ${list(present)} → ${target}`)
  const changedBy = schemaChangedSince(history, target)
  if (changedBy.length > 0)
    warn(`The schema was changed by release ${list(changedBy)} since; it stays as it is now.`)
  await import('./redeploy.mts')
}

async function targetsThatRun(): Promise<string[]> {
  const running = (await replicas(host, stack)).filter((one) => one.running)
  if (running.length > 0) return [...new Set(running.map(({ target }) => target))]
  throw new OperatorError(
    'No release runs, so there is none to go back from',
    'npm run deploy',
    'nothing was changed.',
  )
}
