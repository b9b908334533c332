/** Waiting in tests: for a condition, with a reason. */
import { waitUntil } from '../../scripts/lib/cli/wait.mts'

/** Seconds: what a starved machine may take. How fast a thing has to be is the bench's business. */
const DEADLINE = 120

/** Waits until it is so; fails naming what was waited for. */
export function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  return waitUntil(what, DEADLINE, async () => ((await check()) ? undefined : 'not yet'))
}
