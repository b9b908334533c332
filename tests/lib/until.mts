/** Waiting in tests: for a condition, with a deadline and a reason. */
import { waitUntil } from '../../scripts/lib/wait.mts'

/** Waits until it is so; fails naming what was waited for. @param deadline seconds */
export function until(
  what: string,
  deadline: number,
  check: () => Promise<boolean> | boolean,
): Promise<void> {
  return waitUntil(what, deadline, async () => ((await check()) ? undefined : 'not yet'))
}
