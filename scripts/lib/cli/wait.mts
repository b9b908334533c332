/** Waiting with a deadline and a reason, never for a fixed time. */
import { sleep } from 'zx'
import { OperatorError } from './errors.mts'

/** Milliseconds between two looks: short beside what an application needs, long beside a round trip. */
const INTERVAL = 100

/** The deadline passed. */
export class Overdue extends OperatorError {}

/**
 * Looks again and again until it is so.
 * @param what     what is waited for, as the message will say it
 * @param deadline seconds
 * @param look     undefined or the empty text when it is so, else what was seen instead
 * @throws Overdue with what was seen last
 */
export async function waitUntil(
  what: string,
  deadline: number,
  look: () => Promise<string | undefined>,
): Promise<void> {
  const end = performance.now() + deadline * 1000
  for (;;) {
    const seen = await look()
    if (!seen) return
    if (performance.now() > end) throw new Overdue(`${what}: not within ${deadline} s; last seen: ${seen}`)
    await sleep(INTERVAL)
  }
}
