/** Builds a release from app/ and rolls it out with no visible outage, or rolls out one that is on the server already. */

import { saving } from './lib/backup/backup.mts'
import { capital, say, warn } from './lib/cli/say.mts'
import type { StackConfig } from './lib/config/config.mts'
import { BalancerState } from './lib/edge/balancer-state.mts'
import { LockLost } from './lib/host/fence.mts'
import type { Host } from './lib/host/host.mts'
import { withLock } from './lib/host/lock.mts'
import { pruneImages } from './lib/images/base.mts'
import { buildRelease } from './lib/images/build.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { prune, requireThere } from './lib/images/release.mts'
import { type Entry, interruptedFrom, kept, noteInterrupted, readHistory } from './lib/proof/history.mts'
import { Proof } from './lib/proof/proof.mts'
import { type About, titleOf } from './lib/proof/sentence.mts'
import { AbortOnErrors } from './lib/rollout/abort-on-errors.mts'
import type { Context } from './lib/rollout/context.mts'
import { planFor, printPlan } from './lib/rollout/dryrun.mts'
import { type Fleet, readFleet, refreshEdge } from './lib/rollout/fleet.mts'
import { goBack } from './lib/rollout/go-back.mts'
import { runHook } from './lib/rollout/hooks.mts'
import { isDone, originOf, plan } from './lib/rollout/plan.mts'
import type { Replica } from './lib/rollout/replica.mts'
import { Rollout } from './lib/rollout/rollout.mts'
import { isOf, keepTarget, type Target } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { prepareSchema, schemaChange } from './lib/stack/create-db.mts'
import { writeStack } from './lib/stack/stack.mts'
import { planOn } from './lib/swarm/dryrun.mts'
import { rollOutOnSwarm } from './lib/swarm/release.mts'

export async function redeploy(run: Run): Promise<void> {
  const { host, stack, engine, swarm, options } = run
  say(`redeploy on ${host.name}`)
  if (options['dry-run'])
    return await printPlan(host, stack, options, swarm ? planOn(swarm, host, stack) : planFor(host, stack))
  await engine.requireServing()
  // Before the lock: on a server without images it fails, and leaves no file there.
  await imageMode(host, stack)
  await withLock(host, stack, 'redeploy', async () =>
    rollOut(run, { target: await ownTarget(run), schema: !options.release }),
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

/** What is rolled out, and how. */
interface Wanted {
  /** Kept on the server. */
  target: Target
  /** Whether create_db.py runs first. */
  schema?: boolean
  /** Whether the history says that it is a rollback. */
  rollback?: boolean
  /** Which replicas are replaced although they are as wanted. */
  again?: (replica: Replica) => boolean
}

/** Rolls a target out. The caller holds the lock. */
export async function rollOut(run: Run, wanted: Wanted): Promise<void> {
  const { host, stack, swarm, options } = run
  const { target } = wanted
  if (swarm)
    return await rollOutOnSwarm(swarm, host, stack, {
      ...wanted,
      again: options.force || wanted.again !== undefined,
    })
  const history = await readHistory(host, stack)
  // The hook runs before nginx and HAProxy get the configuration of this checkout, unless that is what starts HAProxy.
  const before = stack.hooks.pre_rollout && (await readFleet(host, stack).catch(() => undefined))
  const asked = before && workFor(run, wanted, before, history)
  if (asked) await runHook(host, stack, 'pre_rollout', asked.about)
  const fleet = await refreshEdge(host, stack)
  const work = workFor(run, wanted, fleet, history)
  if (!work) {
    const noted = await noteInterrupted(host, stack, history, target.name)
    return say(`Release ${target.release} is already running: ${noted ?? 'nothing to do'}.`)
  }
  const { current, about } = work
  if (!asked) await runHook(host, stack, 'pre_rollout', about)
  if (about.from === about.to) say(capital(titleOf(about)))
  await prove(host, stack, about, async (context) => {
    const rollout = new Rollout(context, target, current, fleet)
    try {
      await schemaStep(context, target.release, wanted.schema)
      await context.proof.begun()
      await roll(rollout)
    } catch (error) {
      await goBack(rollout, error as Error, roll)
    }
  })
  await prune(host, stack, kept(await readHistory(host, stack), target, stack.rollout.keep_releases))
  await pruneImages(host, stack)
}

/** Runs create_db.py, or looks up what it has changed for this release since the last rollout. */
async function schemaStep({ host, stack, proof }: Context, release: string, runs = false): Promise<void> {
  if (runs) await proof.schema(() => prepareSchema(host, stack, release, saving(stack, release)))
  else proof.noteSchema(await schemaChange(host, stack, release))
}

/** Which replicas stay, and what the rollout is called. Undefined if there is nothing to do. */
function workFor({ stack, options }: Run, wanted: Wanted, fleet: Fleet, history: readonly Entry[]) {
  const { target, again = () => options.force } = wanted
  const stale = fleet.found.filter(again).map(({ id }) => id)
  const current = (one: Replica) => isOf(target, one) && !stale.includes(one.id)
  const planned = plan(stack, fleet, current)
  if (isDone(planned)) return undefined
  const origin = originOf(planned, fleet, target.name, interruptedFrom(history))
  const from = { from: origin?.release ?? '', fromTarget: origin?.target }
  const about: About = { ...from, to: target.release, toTarget: target.name, rollback: wanted.rollback }
  return { current, about }
}

/** Does the work while the probe asks the site, and says what the probe saw. */
async function prove(
  host: Host,
  stack: StackConfig,
  about: About,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const pool = await BalancerState.begin(host, stack)
  const proof = await Proof.begin(host, stack, about)
  const abort = new AbortOnErrors(proof.probe, pool, stack.rollout.abort_on_errors)
  try {
    await work({ host, stack, pool, proof, abort })
    proof.result = 'released'
  } finally {
    pool.end()
    await proof.end(abort.basis).catch((error) => {
      // The next command finds a lost lock, too, and its message says what to do.
      if (!(error instanceof LockLost)) warn(`History and picture could not be written: ${error.message}`)
    })
    await runHook(host, stack, 'post_rollout', about, proof)
    if (proof.result === 'went back') await runHook(host, stack, 'went_back', about, proof)
  }
}

/** The loop: ready, then admitted, then drained, then stopped. */
async function roll(rollout: Rollout): Promise<void> {
  for await (const { fresh: number, old } of rollout.batches()) {
    const fresh = await rollout.start(number)
    await rollout.untilReady(fresh) // the balancer asks each for /status: 200 and OK
    await rollout.admit(fresh) // the probe's page, then a small share of the requests, then a full share
    await rollout.drain(old) // no new request; those under way go on
    rollout.retire(old) // asked to prepare; stopped and removed when it says Ready and holds no request
  }
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
