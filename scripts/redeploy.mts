/** Releases the application in app/ with no visible outage, or one that is on the server already. */
import { pruneImages } from './lib/base.mts'
import { buildRelease } from './lib/build.mts'
import { prepareSchema } from './lib/create-db.mts'
import { printPlan } from './lib/dryrun.mts'
import { LockLost } from './lib/fence.mts'
import { cutOffFrom, kept, lastReleased, readHistory } from './lib/history.mts'
import { baseImages, imageMode } from './lib/images.mts'
import { withLock } from './lib/lock.mts'
import { before, isDone, plan } from './lib/plan.mts'
import { Pool } from './lib/pool.mts'
import { type About, Proof, titleOf } from './lib/proof.mts'
import { prune, requireThere } from './lib/release.mts'
import type { Replica } from './lib/replica.mts'
import { Rollout } from './lib/rollout.mts'
import { begin } from './lib/run.mts'
import { capital, say, warn } from './lib/say.mts'
import { refresh } from './lib/scene.mts'
import { writeStack } from './lib/stack.mts'
import { isOf, keepTarget, keptTarget, type Target } from './lib/target.mts'
import { goBack } from './lib/wayback.mts'

const { host, stack, options } = begin(`
Builds a new release from app/ and rolls it out, replica by replica, with no visible outage.

  npm run redeploy [-- --host USER@NAME]

  --release NAME     roll out a release that is on the server already; builds nothing
  --force            replace the replicas even when they run this release already
  --dry-run          print the plan and every command, and change nothing
`)

say(`redeploy on ${host.name}`)
if (options['dry-run']) await printPlan(host, stack, options)
else {
  await imageMode(host, stack) // where nothing was built yet, this says so and leaves nothing, the lock's files included
  await withLock(host, stack, options.rollback ? 'rollback' : 'redeploy', async () =>
    release(options.target ? await keptTarget(host, stack, options.target) : await ownTarget()),
  )
}

/** The named release, which must be there, or the one that the source makes, as this checkout would have it run. */
async function ownTarget(): Promise<Target> {
  const mode = await imageMode(host, stack)
  if (options.release) await requireThere(host, stack, options.release)
  const release = options.release ?? (await buildRelease(host, stack, mode))
  await writeStack(host, stack, baseImages(stack, mode))
  return await keepTarget(host, stack, release)
}

/** What redeploy does for a target that is on the server; whoever calls it holds the lock. */
export async function release(target: Target): Promise<void> {
  const [scene, history] = await Promise.all([refresh(host, stack), readHistory(host, stack)])
  const stale = options.force ? scene.found.map(({ id }) => id) : []
  const current = (one: Replica) => isOf(target, one) && !stale.includes(one.id)
  const planned = plan(stack, scene, current)
  if (isDone(planned)) return say(`Release ${target.release} is already running: nothing to do.`)
  const about = aboutOf(
    before(planned, scene, target.name, cutOffFrom(history), lastReleased(history)),
    target,
  )
  if (about.from === about.to) say(capital(titleOf(about)))
  await prove(about, async (proof) => {
    const rollout = new Rollout(host, stack, proof, target, current, scene)
    await rollOut(proof, rollout).catch((error) => goBack({ host, stack, proof, rollout, roll }, error))
  })
  await prune(host, stack, kept(await readHistory(host, stack), target, stack.rollout.keep_releases))
  await pruneImages(host, stack)
}

function aboutOf(from: Pick<Replica, 'release' | 'target'> | undefined, to: Target): About {
  return {
    from: from?.release ?? '',
    to: to.release,
    fromTarget: from?.target,
    toTarget: to.name,
    rollback: options.rollback,
  }
}

/** Has a client ask the site while the work is done, and says what it saw. */
async function prove(about: About, work: (proof: Proof) => Promise<void>): Promise<void> {
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
  }
}

/** Schema first, then the loop. */
async function rollOut(proof: Proof, rollout: Rollout): Promise<void> {
  if (!options.release && !options.target)
    await proof.schema(() => prepareSchema(host, stack, proof.about.to))
  await proof.begun()
  await roll(rollout)
}

/** The loop: healthy, then admitted, then drained, then stopped. */
async function roll(rollout: Rollout): Promise<void> {
  do {
    await rollout.adopt()
    for (const batch of rollout.plan.batches) {
      await rollout.observe()
      const out = stack.rollout.order === 'stop-first' ? await rollout.takeOut(batch) : batch.old
      const fresh = await rollout.start(batch)
      await rollout.untilReady(fresh)
      await rollout.admit(fresh)
      await rollout.drain(out)
      rollout.retire(out)
    }
    await rollout.retired()
  } while (!(await rollout.isDone()))
}
