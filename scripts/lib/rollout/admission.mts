/** How fresh replicas get requests: the probe's page first, then a small share of what users ask, then their full share. */

import { Overdue } from '../cli/wait.mts'
import * as balancer from '../edge/balancer.mts'
import { remote } from '../host/shell.mts'
import { NotReady } from '../stack/diagnosis.mts'
import type { Context } from './context.mts'
import { addressesOf, namesOf, type Replica } from './replica.mts'

/** How often each replica is asked for the probe's page. It may have a few processes, and not all of them may be good. */
const TIMES = 5

/** Asks replicas for the probe's page. @throws NotReady if a fresh one fails more often than an old one */
export async function rehearse({ host, stack }: Context, fresh: Replica[], old: Replica): Promise<void> {
  const { path: page, timeout } = stack.probe
  const addresses = addressesOf([...fresh, old]).join(' ')
  const name = stack.domain || 'localhost'
  const script = remote('rehearse', { addresses, page, timeout, times: TIMES, name })
  const answers = parseAnswers(await host.run(`Asking for ${page}`, script))
  const shown = ({ address }: Replica) =>
    (answers.get(address) ?? []).map((status) => status || 'nothing').join(', ')
  const usual = failures(answers.get(old.address))
  const worse = fresh.find(({ address }) => failures(answers.get(address)) > usual)
  if (!worse) return
  throw new NotReady(
    `${worse.name} answers ${page} with ${shown(worse)} (${old.name}: ${shown(old)}); it got no requests of users`,
    'Correct the application or its settings',
  )
}

/** The status of each answer, by the replica's address. Status 0: no answer. */
export function parseAnswers(output: string): Map<string, number[]> {
  const lines = output.split('\n').filter(Boolean)
  const words = lines.map((line) => line.split(' '))
  return new Map(words.map(([address = '', ...statuses]) => [address, statuses.map(Number)]))
}

/** Counts failures as the probe does. */
const failures = (statuses: number[] = []) =>
  TIMES - statuses.filter((status) => status > 0 && status < 400).length

/** @param canary whether they begin with a small share of the requests (rollout.canary) @throws RequestsFail */
export async function giveRequests(context: Context, fresh: Replica[], canary: boolean): Promise<void> {
  const { host, stack, proof, abort } = context
  const { share, requests, seconds } = stack.rollout.canary
  const addresses = addressesOf(fresh)
  abort.freshServe(addresses)
  await proof.step('swap', `${namesOf(fresh)} in`, async () => {
    if (canary) {
      await balancer.share(host, stack, addresses, share)
      await untilJudged(context, requests, seconds)
    }
    await balancer.share(host, stack, addresses, 100)
  })
}

/**
 * Waits until the fresh replicas have answered this many more requests. After the given seconds it goes on with fewer:
 * a quiet site has few requests. @throws RequestsFail
 */
export async function untilJudged(
  { pool, abort }: Context,
  requests: number,
  seconds: number,
): Promise<void> {
  const { answered } = abort.counts.fresh
  const missing = () => {
    const seen = abort.counts.fresh.answered - answered
    return seen < requests ? `${seen} of ${requests} requests` : undefined
  }
  const waiting = pool.until('requests to the fresh replicas', seconds, missing).catch((error) => {
    if (!(error instanceof Overdue)) throw error
  })
  await abort.waitFor(waiting)
  abort.check()
}
