/** Releases the application in app/ with no visible outage, or one that is on the server already. */
import { prepareSchema } from './lib/database.mts'
import { printPlan } from './lib/dryrun.mts'
import { OperatorError } from './lib/errors.mts'
import { readHistory, served } from './lib/history.mts'
import { baseImages, imageMode } from './lib/images.mts'
import { withLock } from './lib/lock.mts'
import { Proof } from './lib/proof.mts'
import { pruneReleases, targetRelease } from './lib/release.mts'
import { type Replica, wantedConfig } from './lib/replica.mts'
import { Halt, look, Rollout } from './lib/rollout.mts'
import { begin } from './lib/run.mts'
import { say, warn } from './lib/say.mts'
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
else await release(await targetRelease(host, stack, options.release))

/** What redeploy does for a release that is built: lock, proof, loop. */
export async function release(release: string): Promise<void> {
  await withLock(host, stack, `release ${release}`, async () => {
    const proof = await Proof.begin(host, stack)
    try {
      await rollOut(proof, release)
    } finally {
      await proof.end().catch((error) => warn(`History and picture could not be written: ${error.message}`))
    }
  })
}

/** Schema first, then the loop; when a fresh replica fails, back by the same loop. */
async function rollOut(proof: Proof, release: string): Promise<void> {
  await writeStack(host, stack, baseImages(stack, await imageMode(host, stack)))
  const preparing = () => prepareSchema(host, stack, release)
  const [schema, config, scene] = await Promise.all([
    options.release ? undefined : proof.step('schema', release, preparing),
    wantedConfig(host, stack, release),
    look(host, stack),
  ])
  const current = (one: Replica) => !options.force && one.config === config
  const rollout = new Rollout(host, stack, proof, { release, config }, scene, current)
  if (rollout.nothingToDo) return say(`Release ${release} is already running: nothing to do.`)
  proof.of(rollout.before, release, schema?.changed ?? false)
  await roll(rollout).catch((error) => goBack(proof, rollout, error))
  proof.result = 'released'
  await pruneReleases(host, stack, [
    release,
    rollout.before ?? release,
    ...served(await readHistory(host, stack)),
  ])
}

/** The loop: healthy, then swapped in, then drained, then stopped. */
async function roll(rollout: Rollout): Promise<void> {
  await adopt(rollout)
  for (const { fresh: number, old } of rollout.plan.batches) {
    const out = stack.rollout.order === 'stop-first' ? await rollout.takeOut(old) : old
    const fresh = await rollout.start(number)
    rollout.rehearse(fresh, out)
    await rollout.untilReady(fresh)
    const oldWorkers = await rollout.swap(fresh, out)
    rollout.retire(out, oldWorkers)
  }
  await rollout.retired()
}

/** What an interrupted rollout left: fresh replicas are put to use, old ones that are out already are drained and stopped. */
async function adopt(rollout: Rollout): Promise<void> {
  const { adopt, leftovers } = rollout.plan
  rollout.retire(leftovers, rollout.oldWorkers)
  await rollout.untilReady(adopt)
  if (adopt.length > 0) await rollout.swap(adopt, [])
}

/** A fresh replica failed: it goes, and those already replaced return to the release before by the same loop. */
async function goBack(proof: Proof, rollout: Rollout, error: Error): Promise<never> {
  const words = await rollout.discard()
  await rollout.finished()
  if (error instanceof Halt) throw error
  const { before } = rollout
  warn(`${error.message}: going back to ${before ? `release ${before}` : 'what was there'}.`)
  if (before && rollout.replaced) {
    proof.settle()
    const target = { release: before, config: await wantedConfig(host, stack, before) }
    await roll(
      new Rollout(host, stack, proof, target, await look(host, stack), (one) => one.release === before),
    )
  }
  proof.result = 'went back'
  throw new OperatorError(
    `Release ${rollout.release} was not rolled out: ${error.message}\n${words}`,
    'Mend the application, then: npm run redeploy',
    before ? `release ${before} serves as before.` : 'no replica of it runs.',
  )
}
