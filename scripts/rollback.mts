/** Undoes an interrupted rollout, or goes back one release, by the same loop and without a build. */

import { NOTHING_CHANGED, OperatorError } from './lib/cli/errors.mts'
import { list, say, warn } from './lib/cli/say.mts'
import { withLock } from './lib/host/lock.mts'
import { lastTarget, readHistory, rollbackTarget, schemaChangedSince } from './lib/proof/history.mts'
import { printPlan } from './lib/rollout/dryrun.mts'
import { keptTarget } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'

export async function rollback(run: Run): Promise<void> {
  await presentTargets(run) // before the lock: if none runs, no file is left on the server
  const { host, stack, engine, options } = run
  if (options['dry-run']) await printPlan(host, stack, options, engine.planner(host), await targetBefore(run))
  else
    await withLock(host, stack, 'rollback', async () => {
      const target = await keptTarget(host, stack, await targetBefore(run))
      await engine.rollOut(host, { target, rollback: true })
    })
}

/** The name of the target to go back to. @throws OperatorError if the history has none */
async function targetBefore(run: Run): Promise<string> {
  const { host, stack, options } = run
  const present = await presentTargets(run)
  const history = await readHistory(host, stack)
  const named = options.release
  const target = named ? (lastTarget(history, named) ?? named) : rollbackTarget(history, present)
  if (!target)
    throw new OperatorError(
      `The history has no release before ${present.at(-1)}`,
      'npm run history, then: npm run rollback -- --release NAME',
      NOTHING_CHANGED,
    )
  say(`rollback on ${host.name}: ${list(present)} → ${target}`)
  const changedBy = schemaChangedSince(history, target)
  if (changedBy.length > 0)
    warn(`Release ${list(changedBy)} has changed the schema since. It stays as it is now.`)
  return target
}

/** The names of the targets that run, the latest last. @throws OperatorError if none does */
async function presentTargets({ host, engine }: Run): Promise<string[]> {
  const present = await engine.targets(host)
  if (present.length > 0) return present
  throw new OperatorError(
    'No release runs, so there is nothing to go back from',
    'npm run deploy',
    NOTHING_CHANGED,
  )
}

await script(
  import.meta.url,
  `
Undoes an interrupted rollout, or goes back one release, with the settings of that time. Builds nothing.

  npm run rollback [-- --host USER@NAME]

  --release NAME     go back to this release instead
  --dry-run          say in words what would be done, and change nothing

Examples:
  npm run rollback
  npm run rollback -- --release 9dbc2df83e50
`,
  rollback,
)
