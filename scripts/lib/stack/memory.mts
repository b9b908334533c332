/** What went wrong for lack of memory, where nothing else tells. */
import type { StackConfig } from '../config/config.mts'
import { remote, type Script } from '../host/shell.mts'

/** Processes of a running container that the kernel killed since it was started. */
export interface Killed {
  container: string
  processes: number
}

export const killedScript = (stack: StackConfig): Script => remote('killed', { project: stack.project })

export function parseKilled(output: string): Killed[] {
  const lines = output.split('\n').map((line) => line.split('\t'))
  return lines.flatMap(([kind, container = '', number]) =>
    kind === 'killed' ? [{ container, processes: Number(number) }] : [],
  )
}

export const killedWarning = ({ container, processes }: Killed): string =>
  `The kernel killed processes of ${container} that wanted more memory than it has, ${processes} since it was started; see docker stats, and app.memory in config/stack.yaml`
