/** Builds a release from app/ and rolls it out with no visible outage, or rolls out one that is on the server already. */

import { say } from './lib/cli/say.mts'
import { withLock } from './lib/host/lock.mts'
import { buildRelease } from './lib/images/build.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { requireThere } from './lib/images/release.mts'
import { printPlan } from './lib/rollout/dryrun.mts'
import { keepTarget, type Target } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { writeStack } from './lib/stack/stack.mts'

export async function redeploy(run: Run): Promise<void> {
  const { host, stack, engine, options } = run
  say(`redeploy on ${host.name}`)
  if (options['dry-run']) return await printPlan(host, stack, options, engine.planner(host))
  // Before the lock: on a server without images it fails, and leaves no file there.
  await imageMode(host, stack)
  await withLock(host, stack, 'redeploy', async () =>
    engine.rollOut(host, { target: await ownTarget(run), schema: !options.release, again: options.force }),
  )
}

/** The release that was named, or the one that app/ makes, with the configuration of this checkout. */
async function ownTarget({ host, stack, engine, options }: Run): Promise<Target> {
  const mode = await imageMode(host, stack)
  if (options.release) await requireThere(host, stack, options.release)
  const release = options.release ?? (await buildRelease(host, stack, mode))
  const images = baseImages(stack, mode)
  await writeStack(host, stack, images)
  await engine.bring(host, release, images)
  return await keepTarget(host, stack, release)
}

await script(
  import.meta.url,
  `
Builds a new release from app/ and rolls it out, replica by replica, with no visible outage.

  npm run redeploy [-- --host USER@NAME]

  --release NAME     roll out a release that is on the server already; build nothing
  --force            replace the replicas even when they run this release already
  --dry-run          say in words what would be done, and change nothing

Examples:
  npm run redeploy -- --dry-run
  npm run redeploy -- --release 9dbc2df83e50
`,
  redeploy,
  0,
  'data',
)
