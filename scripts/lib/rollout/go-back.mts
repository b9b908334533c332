/** A rollout that failed: fresh replicas go, and the replicas that they have replaced are started again by the same loop. */

import { ApplicationFails, CommandError, OperatorError } from '../cli/errors.mts'
import { capital, warn } from '../cli/say.mts'
import * as balancer from '../edge/balancer.mts'
import { failing } from '../edge/traffic.mts'
import { LockLost } from '../host/fence.mts'
import { type About, titleOf } from '../proof/sentence.mts'
import { NotReady } from '../stack/diagnosis.mts'
import { RequestsFail } from './abort-on-errors.mts'
import { readFleet, whoServes } from './fleet.mts'
import { addressesOf, lastWords, namesOf, type Replica, removeReplicas, replicas } from './replica.mts'
import { Halt } from './retirement.mts'
import { Rollout } from './rollout.mts'
import { keptTarget } from './target.mts'

/** The loop, of compose/release.mts. */
type Roll = (rollout: Rollout) => Promise<void>

/** Takes each step of the way back, also when an earlier one fails. @throws OperatorError with every reason */
export async function goBack(rollout: Rollout, error: Error, roll: Roll): Promise<never> {
  // Without the lock, this run may change nothing.
  if (error instanceof LockLost) throw error
  const { proof, abort } = rollout.context
  const reasons: Error[] = []
  const attempt = <T,>(work: Promise<T>) =>
    work.catch((reason: Error) => {
      if (reason instanceof LockLost) throw reason
      reasons.push(reason)
      return undefined
    })
  abort.switchOff()
  const recalled = error instanceof RequestsFail ? await attempt(recall(rollout)) : []
  const words = await attempt(lastWordsOf(rollout, error))
  const { changed } = rollout.stages
  await attempt(discard(rollout))
  await rollout.retirement.finished()
  const isHalted = error instanceof Halt
  if (!isHalted && changed && proof.about.from !== '')
    await attempt(rollBack(rollout, error, roll, recalled ?? []))
  if (!isHalted && reasons.length === 0) proof.result = 'went back'
  if (!(error instanceof OperatorError) && reasons.length === 0) throw error
  throw await errorOf(rollout, error, words ?? '', reasons)
}

/**
 * Gives requests back to old replicas that still drain, and takes them from the fresh ones. If there are no others, the
 * fresh ones keep them.
 * @returns the old ones. They were asked to prepare, so they have to be replaced later.
 */
async function recall({ context, stages, retirement }: Rollout): Promise<Replica[]> {
  const { host, stack, proof } = context
  const fresh = stages.admitted
  const back = retirement.recall()
  if (stages.at('serving').every((one) => fresh.includes(one))) return []
  const sides = [back.length > 0 && `${namesOf(back)} in`, `${namesOf(fresh)} out`].filter(Boolean)
  await proof.step('swap', sides.join(', '), async () => {
    await balancer.share(host, stack, addressesOf(back), 100)
    await balancer.share(host, stack, addressesOf(fresh), 0)
  })
  stages.set(fresh, 'draining')
  return back
}

/** Removes fresh replicas that have had no request. */
async function discard({ context, stages, starting }: Rollout): Promise<void> {
  const { host, stack } = context
  await Promise.allSettled([starting])
  const used = new Set(stages.at('left', 'serving', 'draining', 'gone').map(({ id }) => id))
  const unused = (await replicas(host, stack)).filter(({ id }) => !used.has(id))
  // First, since other replicas may get their addresses.
  stages.set(unused, 'gone')
  await removeReplicas(host, stack, unused)
}

/** The state and the last lines of the replicas that made the rollout fail. */
async function lastWordsOf(rollout: Rollout, error: Error): Promise<string> {
  const { context, stages } = rollout
  const culprits =
    error instanceof RequestsFail
      ? await failedRequests(rollout)
      : error instanceof NotReady
        ? stages.at('warming')
        : []
  return (await Promise.all(culprits.map((one) => lastWords(context.host, one)))).join('\n')
}

/** The fresh replicas that failed requests. If the load balancer's log does not tell, all of them. */
async function failedRequests({ context, stages }: Rollout): Promise<Replica[]> {
  const { host, stack, abort } = context
  const addresses = await failing(host, stack, abort.freshSince)
  const found = stages.admitted.filter(({ address }) => addresses.includes(address))
  return found.length > 0 ? found : stages.admitted
}

/**
 * Replaces what the rollout has started. So nothing is kept of what was made on the way there.
 * @param recalled old replicas that get requests again. They were asked to prepare, so they are replaced, too.
 */
async function rollBack(rollout: Rollout, error: Error, roll: Roll, recalled: Replica[]): Promise<void> {
  const { context, stages } = rollout
  const { host, stack, proof } = context
  const { from, fromTarget = from } = proof.about
  warn(`${error.message}: going back to release ${from}.`)
  const target = await keptTarget(host, stack, fromTarget)
  const fleet = await readFleet(host, stack)
  // Looked at once: the way back makes replicas of its own.
  const made = fleet.found.filter((one) => !stages.isOld(one))
  const replaced = new Set([...made, ...recalled].map(({ id }) => id))
  const current = (one: Replica) => one.target === fromTarget && !replaced.has(one.id)
  // Its stages are those of before: replicas of the way back may get the addresses of replicas that are gone by then.
  rollout.letGo()
  const back = new Rollout(context, target, current, fleet)
  try {
    await roll(back)
  } catch (reason) {
    const words = await lastWordsOf(back, reason as Error).catch(() => '')
    await discard(back).catch(() => {})
    await back.retirement.finished()
    const { message, next = '' } = reason as OperatorError
    throw new OperatorError(`${message}\n${words}`, next)
  }
}

/**
 * The error that the operator reads: why the rollout failed, what state things are in, and what to type next.
 * @param words   the state and the last lines of the replicas that made it fail
 * @param reasons why the way back failed; empty if it did not
 */
async function errorOf(
  rollout: Rollout,
  error: Error,
  words: string,
  reasons: Error[],
): Promise<OperatorError> {
  const { about } = rollout.context.proof
  const others = new Set(reasons.map(({ message }) => message).filter((text) => text !== error.message))
  const what = [
    error instanceof Halt ? error.message : `${capital(titleOf(about))} was not rolled out: ${error.message}`,
    words,
    ...[...others].map((text) => `While going back: ${text}`),
  ]
  const state = await stateOf(rollout, error)
  return new OperatorError(what.filter(Boolean).join('\n'), nextOf(about, error, reasons), state)
}

function nextOf({ from, to }: About, error: Error, reasons: Error[]): string {
  if (error instanceof Halt)
    return 'Find out what it waits for (docker logs), then npm run redeploy: it finishes the rollout.'
  // Before the first release, replicas are not all that has to be started.
  const again = `npm run ${from ? 'redeploy' : 'deploy'}`
  const { remedy } = error as { remedy?: string }
  if (reasons.length === 0 && (remedy || error instanceof ApplicationFails)) {
    const settings = from === to ? ' or its settings (app in config/stack.yaml)' : ''
    return `${remedy || `Correct the application${settings}`}, then: ${again}`
  }
  const then =
    reasons.length > 0
      ? 'npm run status shows what runs; npm run rollback tries again.'
      : `${again} tries again.`
  const known = [...reasons, error].find((one) => (one as OperatorError).next) as OperatorError | undefined
  if (!known) return then
  return known instanceof CommandError ? `${known.next.replace(/\.$/, '')}. Then: ${then}` : known.next
}

/** Read from the server after the way back. */
async function stateOf({ context, servedAtFirst }: Rollout, error: Error): Promise<string> {
  try {
    const fleet = await readFleet(context.host, context.stack)
    const { from, fromTarget = from } = context.proof.about
    const who = whoServes(fleet, { target: fromTarget, replicas: servedAtFirst })
    const isStuck = ({ id }: { id: string }) =>
      error instanceof Halt && error.stuck.some((one) => one.id === id)
    const stuck = fleet.found.filter((one) => one.running && !fleet.serving.includes(one) && isStuck(one))
    return stuck.length > 0 ? `${who}; without requests, but still running: ${namesOf(stuck)}.` : `${who}.`
  } catch (reason) {
    return `which replicas get requests could not be read (${(reason as Error).message.split('\n')[0]}).`
  }
}
