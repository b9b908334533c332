/** Releases the application in app/ with no visible outage, or one that is on the server already. */

import { capital, say, warn } from './lib/cli/say.mts'
import type { StackConfig } from './lib/config/config.mts'
import { Pool } from './lib/edge/pool.mts'
import { LockLost } from './lib/host/fence.mts'
import type { Host } from './lib/host/host.mts'
import { withLock } from './lib/host/lock.mts'
import { pruneImages } from './lib/images/base.mts'
import { buildRelease } from './lib/images/build.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { prune, requireThere } from './lib/images/release.mts'
import { cutOffFrom, kept, readHistory } from './lib/proof/history.mts'
import { type About, Proof, titleOf } from './lib/proof/proof.mts'
import { printPlan } from './lib/rollout/dryrun.mts'
import { refreshEdge } from './lib/rollout/fleet.mts'
import { goBack } from './lib/rollout/go-back.mts'
import { runHook } from './lib/rollout/hooks.mts'
import { isDone, originOf, plan } from './lib/rollout/plan.mts'
import type { Replica } from './lib/rollout/replica.mts'
import { Rollout } from './lib/rollout/rollout.mts'
import { isOf, keepTarget, type Target } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { prepareSchema } from './lib/stack/create-db.mts'
import { writeStack } from './lib/stack/stack.mts'

export async function redeploy(run: Run): Promise<void> {
  const { host, stack, options } = run
  say(`redeploy on ${host.name}`)
  if (options['dry-run']) return await printPlan(host, stack, options)
  await imageMode(host, stack) // where nothing was built yet, this says so and leaves nothing, the lock's files included
  await withLock(host, stack, 'redeploy', async () =>
    release(run, { target: await ownTarget(run), schema: !options.release }),
  )
}

/** The named release, which must be there, or the one that the source makes, as this checkout would have it run. */
async function ownTarget({ host, stack, options }: Run): Promise<Target> {
  const mode = await imageMode(host, stack)
  if (options.release) await requireThere(host, stack, options.release)
  const release = options.release ?? (await buildRelease(host, stack, mode))
  await writeStack(host, stack, baseImages(stack, mode))
  return await keepTarget(host, stack, release)
}

/** What is rolled out, and how. */
export interface Wish {
  /** Kept on the server. */
  target: Target
  /** Whether its schema is prepared before. */
  schema?: boolean
  /** Whether it ran before: the history says so. */
  rollback?: boolean
  /** Which replicas are replaced although they are as wanted. */
  again?: (replica: Replica) => boolean
}

/** Rolls a target out; whoever calls it holds the lock. */
export async function release({ host, stack, options }: Run, wish: Wish): Promise<void> {
  const { target } = wish
  const [fleet, history] = await Promise.all([refreshEdge(host, stack), readHistory(host, stack)])
  const { again = () => options.force } = wish
  const stale = fleet.found.filter(again).map(({ id }) => id)
  const current = (one: Replica) => isOf(target, one) && !stale.includes(one.id)
  const planned = plan(stack, fleet, current)
  if (isDone(planned)) return say(`Release ${target.release} is already running: nothing to do.`)
  const from = originOf(planned, fleet, target.name, cutOffFrom(history))
  const about = aboutOf(from, wish)
  await runHook(host, stack, 'pre_rollout', about)
  if (about.from === about.to) say(capital(titleOf(about)))
  await prove(host, stack, about, async (proof) => {
    const rollout = new Rollout(host, stack, proof, target, current, fleet)
    await rollOut(proof, rollout, wish.schema).catch((error) =>
      goBack({ host, stack, proof, rollout, roll }, error),
    )
  })
  await prune(host, stack, kept(await readHistory(host, stack), target, stack.rollout.keep_releases))
  await pruneImages(host, stack)
}

function aboutOf(
  from: Pick<Replica, 'release' | 'target'> | undefined,
  { target: to, rollback }: Wish,
): About {
  return {
    from: from?.release ?? '',
    to: to.release,
    fromTarget: from?.target,
    toTarget: to.name,
    rollback,
  }
}

/** Has a client ask the site while the work is done, and says what it saw. */
async function prove(
  host: Host,
  stack: StackConfig,
  about: About,
  work: (proof: Proof) => Promise<void>,
): Promise<void> {
  const pool = await Pool.begin(host, stack)
  const proof = await Proof.begin(host, stack, about, pool)
  try {
    await work(proof)
    proof.result = 'released'
  } finally {
    pool.end()
    await proof.end().catch((error) => {
      // The next step hears of a lost lock too, and tells it with what is to be done.
      if (!(error instanceof LockLost)) warn(`History and picture could not be written: ${error.message}`)
    })
    await runHook(host, stack, 'post_rollout', about, proof)
    if (proof.result === 'went back') await runHook(host, stack, 'went_back', about, proof)
  }
}

/** Schema first, then the loop. */
async function rollOut(proof: Proof, rollout: Rollout, schema = false): Promise<void> {
  const { host, stack } = rollout
  if (schema) await proof.schema(() => prepareSchema(host, stack, proof.about.to))
  await proof.begun()
  await roll(rollout)
}

/** The loop: healthy, then admitted, then drained, then stopped. */
async function roll(rollout: Rollout): Promise<void> {
  const { order } = rollout.stack.rollout
  do {
    await rollout.adopt()
    for (const batch of rollout.plan.batches) {
      await rollout.observe()
      const out = order === 'stop-first' ? await rollout.takeOut(batch) : batch.old
      const fresh = await rollout.start(batch)
      await rollout.untilReady(fresh)
      await rollout.admit(fresh)
      await rollout.drain(out)
      rollout.retire(out)
    }
    await rollout.retired()
  } while (!(await rollout.isDone()))
}

await script(
  import.meta.url,
  `
Builds a new release from app/ and rolls it out, replica by replica, with no visible outage.

  npm run redeploy [-- --host USER@NAME]

  --release NAME     roll out a release that is on the server already; builds nothing
  --force            replace the replicas even when they run this release already
  --dry-run          say in words what would be done, and change nothing

Examples:
  npm run redeploy -- --dry-run
  npm run redeploy -- --release 9dbc2df83e50
`,
  redeploy,
)
