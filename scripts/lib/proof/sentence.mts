/** A rollout in words: what is rolled out, and what the probe saw. */
import { capital, count, seconds } from '../cli/say.mts'
import type { Entry } from './history.mts'
import type { Proof } from './proof.mts'
import { applicationsOwn } from './timeline.mts'

/** From where to where a rollout goes. */
export type About = Pick<Entry, 'from' | 'to' | 'fromTarget' | 'toTarget' | 'rollback'>

/** What is rolled out. */
export function titleOf({ from, to, fromTarget, toTarget }: About): string {
  if (from !== to) return `release ${to}`
  return fromTarget === toTarget ? `release ${to} again` : `release ${to} with other settings`
}

type Ended = Pick<Proof, 'about' | 'result' | 'summary' | 'cut' | 'timeline'>

/**
 * The last line of a rollout.
 * @param ended  milliseconds since 1970
 * @param reason why the probe did not run, if there is no summary
 */
export function sentenceOf(
  { about, result, summary, cut, timeline }: Ended,
  ended: number,
  reason: string,
): string {
  const { from, to } = about
  const released = from === to ? titleOf(about) : `release ${from || 'none'} → ${to}`
  const what = result === 'released' ? released : `${titleOf(about)} was not rolled out`
  const own = seconds(applicationsOwn(timeline.steps))
  const time = `in ${seconds(ended - timeline.began)} (${own} of it the application's own warm-up and draining)`
  if (!summary) return `The probe did not run: ${reason}. ${capital(what)} ${time}`
  const numbers = [
    count(summary.requests, 'request'),
    `${summary.failed.length} failed`,
    summary.closed > 0 && `${summary.closed} answered by maintenance`,
    cut > 0 && `${cut} cut off`,
    `slowest ${summary.slowest} ms`,
    `${what} ${time}`,
  ]
  return numbers.filter(Boolean).join(', ')
}
