/** A rollout on one host: the loop that replaces the replicas, and what comes before and after it. */
import { capital, say } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { BalancerState } from '../edge/balancer-state.mts'
import type { Wanted } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { pruneImages } from '../images/base.mts'
import { prune } from '../images/release.mts'
import { type Entry, interruptedFrom, kept, noteInterrupted, readHistory } from '../proof/history.mts'
import { Proof } from '../proof/proof.mts'
import { type About, titleOf } from '../proof/sentence.mts'
import { AbortOnErrors } from '../rollout/abort-on-errors.mts'
import { type Fleet, readFleet, refreshEdge } from '../rollout/fleet.mts'
import { goBack } from '../rollout/go-back.mts'
import { runHook } from '../rollout/hooks.mts'
import { isDone, originOf, plan } from '../rollout/plan.mts'
import { prove, schemaStep } from '../rollout/prove.mts'
import type { Replica } from '../rollout/replica.mts'
import { Rollout } from '../rollout/rollout.mts'
import { isOf } from '../rollout/target.mts'

/** @param stale which replicas are replaced although they are as wanted */
export async function rollOut(
  host: Host,
  stack: StackConfig,
  wanted: Wanted,
  stale = (_: Replica) => wanted.again === true,
): Promise<void> {
  const { target } = wanted
  const history = await readHistory(host, stack)
  // The hook runs before nginx and HAProxy get the configuration of this checkout, unless that is what starts HAProxy.
  const before = stack.hooks.pre_rollout && (await readFleet(host, stack).catch(() => undefined))
  const asked = before && workFor(stack, wanted, stale, before, history)
  if (asked) await runHook(host, stack, 'pre_rollout', asked.about)
  const fleet = await refreshEdge(host, stack)
  const work = workFor(stack, wanted, stale, fleet, history)
  if (!work) {
    const noted = await noteInterrupted(host, stack, history, target.name)
    return say(`Release ${target.release} is already running: ${noted ?? 'nothing to do'}.`)
  }
  const { about } = work
  if (!asked) await runHook(host, stack, 'pre_rollout', about)
  if (about.from === about.to) say(capital(titleOf(about)))
  await replaceReplicas(host, stack, wanted, work)
  await prune(host, stack, kept(await readHistory(host, stack), target, stack.rollout.keep_releases))
  await pruneImages(host, stack)
}

/** Which replicas stay, and what the rollout is called. Undefined if there is nothing to do. */
function workFor(
  stack: StackConfig,
  { target, rollback }: Wanted,
  stale: (replica: Replica) => boolean,
  fleet: Fleet,
  history: readonly Entry[],
) {
  const old = fleet.found.filter(stale).map(({ id }) => id)
  const current = (one: Replica) => isOf(target, one) && !old.includes(one.id)
  const planned = plan(stack, fleet, current)
  if (isDone(planned)) return undefined
  const origin = originOf(planned, fleet, target.name, interruptedFrom(history))
  const from = { from: origin?.release ?? '', fromTarget: origin?.target }
  const about: About = { ...from, to: target.release, toTarget: target.name, rollback }
  return { current, about, fleet }
}

type Work = NonNullable<ReturnType<typeof workFor>>

/** Goes through the loop, and back where it fails, while the probe asks the site. */
async function replaceReplicas(host: Host, stack: StackConfig, wanted: Wanted, work: Work): Promise<void> {
  const pool = await BalancerState.begin(host, stack)
  const proof = await Proof.begin(host, stack, work.about)
  const abort = new AbortOnErrors(proof.probe, pool, stack.rollout.abort_on_errors)
  const { current, fleet } = work
  const replacing = async () => {
    const rollout = new Rollout({ host, stack, pool, proof, abort }, wanted.target, current, fleet)
    try {
      await schemaStep(host, stack, proof, wanted.schema)
      await proof.begun()
      await roll(rollout)
    } catch (error) {
      await goBack(rollout, error as Error, roll)
    } finally {
      pool.end()
    }
  }
  await prove(host, stack, proof, replacing, abort)
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
