/** Releases the application in app/ with no visible outage, or one that is on the server already. */
import { buildRelease } from './lib/build.mts'
import { Contended, prepareSchema } from './lib/create-db.mts'
import { type Target, wantedConfig } from './lib/definition.mts'
import { NotReady } from './lib/diagnosis.mts'
import { printPlan } from './lib/dryrun.mts'
import { OperatorError } from './lib/errors.mts'
import { LockLost } from './lib/fence.mts'
import { readHistory, served } from './lib/history.mts'
import { baseImages, imageMode } from './lib/images.mts'
import { withLock } from './lib/lock.mts'
import { before, isDone, plan } from './lib/plan.mts'
import { type About, Proof, RequestsFail } from './lib/proof.mts'
import { pruneReleases, requireBuilt } from './lib/release.mts'
import type { Replica } from './lib/replica.mts'
import { Halt } from './lib/retirement.mts'
import { Rollout } from './lib/rollout.mts'
import { begin } from './lib/run.mts'
import { say, warn } from './lib/say.mts'
import { look } from './lib/scene.mts'
import { writeStack } from './lib/stack.mts'

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
    release(await targetRelease()),
  )
}

/** The release to roll out: the named one, which must be there, or the one that the source makes, built when missing. */
async function targetRelease(): Promise<string> {
  if (!options.release) return await buildRelease(host, stack, await imageMode(host, stack))
  await requireBuilt(host, stack, options.release)
  return options.release
}

/** What redeploy does for a release that is built; whoever calls it holds the lock. */
export async function release(release: string): Promise<void> {
  host.giveWay()
  const [target, scene] = await Promise.all([targetOf(release), look(host, stack)])
  const planned = plan(stack, scene, (one) => !options.force && one.config === target.config)
  if (isDone(planned)) return say(`Release ${release} is already running: nothing to do.`)
  await prove({ from: before(planned), to: release, rollback: options.rollback }, async (proof) => {
    const rollout = new Rollout(host, stack, proof, target, scene, planned)
    await rollOut(proof, rollout).catch((error) => goBack(proof, rollout, error))
  })
  await pruneReleases(host, stack, [release, ...served(await readHistory(host, stack))])
}

/** What is needed to start replicas of a release: the files on the server, and what they are known by. */
async function targetOf(release: string): Promise<Target> {
  const images = baseImages(stack, await imageMode(host, stack))
  await writeStack(host, stack, images)
  return { release, config: await wantedConfig(host, stack, images, release) }
}

/** Has a client ask the site while the work is done, and says what it saw. */
async function prove(about: About, work: (proof: Proof) => Promise<void>): Promise<void> {
  const proof = await Proof.begin(host, stack, about)
  try {
    await work(proof)
    proof.result = 'released'
  } finally {
    await proof.end().catch((error) => {
      // The next step hears of a lost lock too, and tells it with what is to be done.
      if (!(error instanceof LockLost)) warn(`History and picture could not be written: ${error.message}`)
    })
  }
}

/** Schema first, then the loop. */
async function rollOut(proof: Proof, rollout: Rollout): Promise<void> {
  rollout.prepare()
  if (!options.release) await proof.schema(() => prepareSchema(host, stack, proof.about.to))
  await proof.begun()
  await roll(rollout)
}

/** The loop: healthy, then swapped in, then drained, then stopped. */
async function roll(rollout: Rollout): Promise<void> {
  await rollout.adopt()
  for (const batch of rollout.plan.batches) {
    const out = stack.rollout.order === 'stop-first' ? await rollout.takeOut(batch.old) : batch.old
    const fresh = await rollout.start(batch)
    rollout.lookAhead(batch, fresh, out)
    await rollout.untilReady(fresh)
    const oldWorkers = await rollout.swap(fresh, out)
    rollout.retire(out, oldWorkers)
  }
  await rollout.retired()
}

/** It failed: what is fresh goes, and what was replaced already returns to the release before by the same loop. */
async function goBack(proof: Proof, rollout: Rollout, error: Error): Promise<never> {
  if (error instanceof LockLost) throw error
  proof.settle()
  const recalled = error instanceof RequestsFail ? await rollout.recall() : []
  const words = await rollout.discard()
  await rollout.finished()
  if (error instanceof Halt) throw error
  const { from, to } = proof.about
  const what = `Release ${to} was not rolled out: ${error.message}\n${words}`
  if (from && rollout.begun) {
    warn(`${error.message}: going back to release ${from}.`)
    await rollBack(proof, from, recalled).catch((failure) => {
      throw new OperatorError(
        `${what}\nGoing back to ${from} failed too: ${failure.message}`,
        'npm run status shows what runs; npm run rollback tries again.',
        failure.state,
      )
    })
  }
  proof.result = 'went back'
  if (!(error instanceof OperatorError)) throw error
  throw new OperatorError(
    what,
    // Without a release before there is more to start than replicas.
    `${error instanceof NotReady || error instanceof Contended ? error.remedy : 'Mend the application'}, then: npm run ${from ? 'redeploy' : 'deploy'}`,
    from ? `release ${from} serves as before.` : 'no replica of it runs.',
  )
}

/** @param recalled replicas of before that have requests again, but were asked to prepare: they go, too */
async function rollBack(proof: Proof, release: string, recalled: Replica[]): Promise<void> {
  const asked = recalled.map(({ id }) => id)
  const [target, scene] = await Promise.all([targetOf(release), look(host, stack)])
  const planned = plan(stack, scene, (one) => one.release === release && !asked.includes(one.id))
  const back = new Rollout(host, stack, proof, target, scene, planned)
  try {
    await roll(back)
  } catch (failure) {
    const words = await back.discard()
    await back.finished()
    throw new OperatorError(`${(failure as Error).message}\n${words}`, '', `requests go to ${back.serving}.`)
  }
}
