/** A lock on several hosts: whoever has more than half of them has it. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { silenceOf } from './each.mts'
import type { Fence } from './fence.mts'
import type { Host } from './host.mts'
import type { Running } from './process.mts'

/** The hosts that hold a lock together. */
export interface Quorum {
  hosts: readonly Host[]
  /** Is done under the lock before anything else. @param host the one that the run works with @param there those that answer */
  taken(host: Host, there: readonly Host[]): Promise<void>
}

/** Those that answer, in the order of the list. @throws OperatorError when they are half of them, or fewer */
export async function answering(hosts: readonly Host[]): Promise<Host[]> {
  if (hosts.length === 1) return [...hosts]
  const reasons = await Promise.all(hosts.map(silenceOf))
  const there = hosts.filter((_, index) => !reasons[index])
  if (there.length > hosts.length / 2) return there
  throw new OperatorError(
    `Too few managers of the swarm can be reached, so another operator may be changing it by way of the others: ${reasons.filter(Boolean).join('; ')}`,
    `Bring one of them back, or work from where more than half of them can be reached. Then the same command again.`,
    NOTHING_CHANGED,
  )
}

/** Lets this run do nothing more once its lock is left on half of the hosts or fewer: another run could take the others. */
export function guardMajority(hosts: readonly Host[], sessions: readonly Running[], fence: Fence): void {
  let left = sessions.length
  for (const session of sessions)
    session.once('exit', () => {
      left -= 1
      if (left > hosts.length / 2) return
      for (const one of hosts) if (one.fence) one.fence = { ...fence, token: 'lost' }
    })
}
