/** A container as the engine, its use of the machine and the kernel's log show it. */
import type { Inspected } from '../rollout/replica.mts'

/** A container of any service. */
export interface Container {
  id: string
  name: string
  /** Compose's word; of a container that Swarm has started: `app`. */
  service: string
  running: boolean
  paused: boolean
  /** Why the engine could not start it; empty: it could. */
  error: string
  /** The engine is about to start it again. */
  restarting: boolean
  /** `healthy`, `unhealthy` or `starting`; empty: it has no health check. */
  health: string
  /** Milliseconds since it started, or since it ended. */
  age: number
  restarts: number
  exitCode: number
  /** Whether the kernel killed it the last time, for more memory than its limit. */
  outOfMemory: boolean
  /** Bytes of memory. */
  memory?: number
  /** Percent of one processor. */
  cpu?: number
}

/** Milliseconds that may be between a kill by the kernel and the next start: the engine waits longer each time. */
const BACKOFF = 90_000

/**
 * @param now   the server's clock, in milliseconds since 1970
 * @param usage two looks at each container: name, bytes of memory, nanoseconds of processor time, milliseconds
 * @param ooms  kills by the kernel for memory: container's id and how many milliseconds ago
 */
export function containerOf(
  { Id, Name, RestartCount, State, Labels }: Inspected,
  now: number,
  usage: string[][],
  ooms: string[][],
): Container {
  const name = Name.replace(/^\//, '')
  const [first, last] = usage.filter(([whose]) => whose === name).map((line) => line.slice(1).map(Number))
  const [memory = 0, cpu = 0, at = 0] = last ?? []
  const [, cpuBefore = 0, before = 0] = first ?? []
  const age = now - Date.parse(State.Running ? State.StartedAt : State.FinishedAt)
  // The engine forgets the kill at the next start. The kernel's log still has it.
  const just = ([id, ago]: string[]) => id === Id && Math.abs(Number(ago) - age) < BACKOFF
  return {
    id: Id,
    name,
    service: Labels['com.docker.compose.service'] ?? 'app',
    running: State.Running,
    paused: State.Paused,
    error: State.Error,
    restarting: State.Restarting,
    health: State.Health?.Status ?? '',
    age,
    restarts: RestartCount,
    exitCode: State.ExitCode,
    outOfMemory: State.OOMKilled || (RestartCount > 0 && ooms.some(just)),
    ...(last && { memory, cpu: ((cpu - cpuBefore) / 1e6 / Math.max(1, at - before)) * 100 }),
  }
}
