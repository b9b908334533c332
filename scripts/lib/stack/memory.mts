/** Processes that the kernel killed for lack of memory. The engine reports only some of them (killed.sh). */
import type { StackConfig } from '../config/config.mts'
import { factsIn } from '../host/facts.mts'
import { remote, type Script } from '../host/shell.mts'

export interface Killed {
  container: string
  /** Number of killed processes since the container started. */
  processes: number
}

export const killedScript = (stack: StackConfig): Script => remote('killed', { project: stack.project })

export function parseKilled(output: string): Killed[] {
  return factsIn(output)('killed').map(([container = '', number]) => ({
    container,
    processes: Number(number),
  }))
}

export const killedWarning = ({ container, processes }: Killed): string =>
  `The kernel killed processes of ${container} for lack of memory, ${processes} since the container started; see docker stats, and app.memory in config/stack.yaml`
