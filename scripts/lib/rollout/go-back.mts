/** A rollout that failed: what is fresh goes, and what was replaced already is started again as it was, by the same loop. */

import { ApplicationFails, CommandError, OperatorError } from '../cli/errors.mts'
import { capital, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { failing } from '../edge/traffic.mts'
import { LockLost } from '../host/fence.mts'
import type { Host } from '../host/host.mts'
import { type Proof, titleOf } from '../proof/proof.mts'
import { RequestsFail } from '../proof/watch.mts'
import { NotReady } from '../stack/diagnosis.mts'
import { type Fleet, readFleet, whoServes } from './fleet.mts'
import { namesOf, type Replica, lastWords as wordsOf } from './replica.mts'
import { Halt } from './retirement.mts'
import { Rollout } from './rollout.mts'
import { keptTarget } from './target.mts'

interface Failed {
  host: Host
  stack: StackConfig
  proof: Proof
  rollout: Rollout
  /** The loop. */
  roll: (rollout: Rollout) => Promise<void>
}

/** Each step of the way back is gone, also when one before it fails. @throws OperatorError with every reason */
export async function goBack(failed: Failed, error: Error): Promise<never> {
  // Nothing can be done any more, and nothing may.
  if (error instanceof LockLost) throw error
  const { proof, rollout } = failed
  const reasons: Error[] = []
  const attempt = <T,>(work: Promise<T>) =>
    work.catch((reason: Error) => {
      if (reason instanceof LockLost) throw reason
      reasons.push(reason)
      return undefined
    })
  proof.watch.end()
  const recalled = error instanceof RequestsFail ? await attempt(rollout.recall()) : []
  const words = await attempt(lastWords(failed, error))
  await attempt(rollout.discard())
  await rollout.finished()
  const back = !(error instanceof Halt) && rollout.begun && proof.about.from !== ''
  if (back) await attempt(rollBack(failed, error, recalled ?? []))
  if (!(error instanceof Halt) && reasons.length === 0) proof.result = 'went back'
  if (!(error instanceof OperatorError) && reasons.length === 0) throw error
  throw await told(failed, error, words ?? '', reasons)
}

/** How the replicas are that made it fail, and their last lines. */
async function lastWords(failed: Failed, error: Error): Promise<string> {
  const { host, rollout } = failed
  const culprits =
    error instanceof RequestsFail
      ? await failedRequests(failed)
      : error instanceof NotReady
        ? rollout.waiting
        : []
  return (await Promise.all(culprits.map((one) => wordsOf(host, one)))).join('\n')
}

/** The fresh ones that failed requests; all of them when the load balancer's log does not tell. */
async function failedRequests({ host, stack, proof, rollout }: Failed): Promise<Replica[]> {
  const addresses = await failing(host, stack, proof.watch.freshSince)
  const found = rollout.fresh.filter(({ address }) => addresses.includes(address))
  return found.length > 0 ? found : rollout.fresh
}

/**
 * @param recalled replicas of before that have requests again, but were asked to prepare: they go, too. Nor is anything
 *                 kept that was made on the way there.
 */
async function rollBack(failed: Failed, error: Error, recalled: Replica[]): Promise<void> {
  const { host, stack, proof, rollout, roll } = failed
  const { from, fromTarget = from } = proof.about
  warn(`${error.message}: going back to release ${from}.`)
  const target = await keptTarget(host, stack, fromTarget)
  const fleet = await readFleet(host, stack)
  const made = fleet.found.filter(({ id }) => !rollout.before.has(id))
  const gone = new Set([...made, ...recalled].map(({ id }) => id))
  const current = (one: Replica) => one.target === fromTarget && !gone.has(one.id)
  const back = new Rollout(host, stack, proof, target, current, fleet)
  try {
    await roll(back)
  } catch (reason) {
    const words = await lastWords({ ...failed, rollout: back }, reason as Error).catch(() => '')
    await back.discard().catch(() => {})
    await back.finished()
    const { message, next = '' } = reason as OperatorError
    throw new OperatorError(`${message}\n${words}`, next)
  }
}

/** The error that the operator reads: what failed, why the way back did if it did, and who serves by now. */
async function told(failed: Failed, error: Error, words: string, reasons: Error[]): Promise<OperatorError> {
  const said = [...new Set(reasons.map(({ message }) => message))].filter((text) => text !== error.message)
  const what = [
    error instanceof Halt
      ? error.message
      : `${capital(titleOf(failed.proof.about))} was not rolled out: ${error.message}`,
    words,
    ...said.map((text) => `On the way back: ${text}`),
  ]
  return new OperatorError(
    what.filter(Boolean).join('\n'),
    nextOf(failed, error, reasons),
    await stateOf(failed, error),
  )
}

function nextOf({ proof }: Failed, error: Error, reasons: Error[]): string {
  if (error instanceof Halt)
    return 'Find out what it waits for (docker logs), then npm run redeploy: it finishes the rollout.'
  const { from, to } = proof.about
  // Without a release before there is more to start than replicas.
  const again = `npm run ${from ? 'redeploy' : 'deploy'}`
  const { remedy } = error as { remedy?: string }
  const mend =
    from === to ? 'Mend the application or its settings (app in config/stack.yaml)' : 'Mend the application'
  if (reasons.length === 0 && (remedy || error instanceof ApplicationFails))
    return `${remedy || mend}, then: ${again}`
  const then =
    reasons.length > 0
      ? 'npm run status shows what runs; npm run rollback tries again.'
      : `${again} tries again.`
  const told = [...reasons, error].find((one) => (one as OperatorError).next) as OperatorError | undefined
  if (!told) return then
  return told instanceof CommandError ? `${told.next.replace(/\.$/, '')}. Then: ${then}` : told.next
}

/** Looked up, when all is done. */
async function stateOf({ host, stack, proof, rollout }: Failed, error: Error): Promise<string> {
  try {
    const fleet = await readFleet(host, stack)
    const { from, fromTarget = from } = proof.about
    const who = whoServes(fleet, { target: fromTarget, replicas: rollout.servedBefore })
    const stuck = error instanceof Halt ? stuckOf(error, fleet) : []
    return stuck.length > 0 ? `${who}; ${namesOf(stuck)} runs on without any.` : `${who}.`
  } catch (reason) {
    return `who serves could not be looked up (${(reason as Error).message.split('\n')[0]}).`
  }
}

function stuckOf({ stuck }: Halt, fleet: Fleet): Replica[] {
  const serving = fleet.serving.map(({ id }) => id)
  const left = fleet.found.filter(({ id, running }) => running && !serving.includes(id))
  return left.filter(({ id }) => stuck.some((one) => one.id === id))
}
