/** What the operator reads when a rollout has failed: why, what state things are in, and what to type next. */

import { ApplicationFails, CommandError, OperatorError } from '../cli/errors.mts'
import { capital } from '../cli/say.mts'
import { type About, titleOf } from '../proof/sentence.mts'
import { readFleet, whoServes } from './fleet.mts'
import { namesOf } from './replica.mts'
import { Halt } from './retirement.mts'
import type { Rollout } from './rollout.mts'

/**
 * @param words   the state and the last lines of the replicas that made it fail
 * @param reasons why the way back failed; empty if it did not
 */
export async function errorOf(
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
    return `${remedy || `Mend the application${settings}`}, then: ${again}`
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
