/** Waiting in tests: for a condition, with a reason. */
import { setTimeout as sleep } from 'node:timers/promises'
import { waitUntil } from '../../scripts/lib/cli/wait.mts'

/** Seconds: what a starved machine may take. How fast a thing has to be is the bench's business. */
const DEADLINE = 120
/** Milliseconds by which each pause is longer than the one before, and at most: what is checked costs processor time, too. */
const [LONGER, LONGEST] = [20, 200]

/** Waits until it is so; fails naming what was waited for. */
export function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  let pause = 0
  return waitUntil(what, DEADLINE, async () => {
    if (await check()) return undefined
    await sleep(pause)
    pause = Math.min(LONGEST, pause + LONGER)
    return 'not yet'
  })
}
