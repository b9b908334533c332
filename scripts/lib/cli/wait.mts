/** Waits for a condition, with a deadline and a reason, and never for a fixed time. */
import { sleep } from 'zx'
import { OperatorError } from './errors.mts'

/** Milliseconds between two checks: short compared with an application's start, long compared with a round trip. */
const INTERVAL = 100

/** The condition was not met before the deadline. */
export class Overdue extends OperatorError {}

/**
 * Checks a condition until it is met.
 * @param what     the condition, for the error message
 * @param deadline seconds
 * @param check    returns undefined or '' when the condition is met, else what it found instead
 * @throws Overdue with what the last check found; whatever `check` throws
 */
export async function waitUntil(
  what: string,
  deadline: number,
  check: () => Promise<string | undefined>,
): Promise<void> {
  const end = performance.now() + deadline * 1000
  for (;;) {
    const seen = await check()
    if (!seen) return
    if (performance.now() > end) throw new Overdue(`${what}: not within ${deadline} s; last seen: ${seen}`)
    await sleep(INTERVAL)
  }
}
