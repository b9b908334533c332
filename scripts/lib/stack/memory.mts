/** Processes that the kernel killed for lack of memory. */
import type { StackConfig } from '../config/config.mts'
import { factsIn } from '../host/facts.mts'
import { bash, remoteText, type Script } from '../host/shell.mts'

export interface Killed {
  container: string
  /** Number of killed processes since the container started. */
  processes: number
}

/**
 * Prints `killed<TAB>CONTAINER<TAB>NUMBER` for each container with killed processes. The engine reports a container only when
 * its first process dies: nginx goes on when a worker dies.
 */
export const killedScript = ({ project }: StackConfig): Script => bash`
{ docker ps -q --filter label=com.docker.compose.project=${project} |
  xargs -r docker inspect -f '{{.State.Pid}} {{.Name}}' || true; } 2>/dev/null | # one may be removed meanwhile
  sed 's| /| |' | xargs -r perl -e ${remoteText('usage.pl')} | { grep ^killed || true; }`

export function parseKilled(output: string): Killed[] {
  return factsIn(output)('killed').map(([container = '', number]) => ({
    container,
    processes: Number(number),
  }))
}

export const killedWarning = ({ container, processes }: Killed): string =>
  `The kernel killed processes of ${container} for lack of memory, ${processes} since the container started; see docker stats, and app.memory in config/stack.yaml`
