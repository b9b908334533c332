/** The facts of `npm run status`. One script on the server collects them. */
import type { Result } from '../backup/backup.mts'
import { byName } from '../cli/table.mts'
import type { StackConfig } from '../config/config.mts'
import { type Place, parsePlaces } from '../edge/balancer.mts'
import { factsIn, jsonIn, linesIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, remoteText } from '../host/shell.mts'
import { pythonNames } from '../images/base.mts'
import { type Entry, parseHistory } from '../proof/history.mts'
import { INSPECTED, type Inspected, type Replica, replicaOf } from '../rollout/replica.mts'
import { parseTaken, spaceFunction, type Taken } from '../server/space.mts'
import { type Killed, parseKilled } from '../stack/memory.mts'
import { answering, serviceOf } from '../stack/stack.mts'
import { type Container, containerOf } from './container.mts'
import { certificateFunction, type Renewed, renewedIn } from './renewed.mts'

export interface Facts extends Renewed {
  containers: Container[]
  /** Containers of the application that Swarm has started. */
  tasks: Container[]
  replicas: Replica[]
  places: Place[]
  killed: Killed[]
  /** How many replicas the last deploy or redeploy was to start; 0: there was none. */
  wanted: number
  /**
   * The load balancer's requests in the last `seconds`. `p50` and `p99` are seconds of an answer; `still` says whether
   * requests fail now.
   */
  traffic?: { requests: number; failed: number; p50: number; p99: number; seconds: number; still: boolean }
  database?: { bytes: number; connections: number; most: number; longest?: Transaction }
  redis?: { bytes: number; keys: number }
  /** Whether the load balancer answers. */
  answers: boolean
  /** Of the server. `disk` holds Docker's data and is mounted at `mount`; `inodes` counts files. */
  disk?: Space
  inodes?: Space
  memory?: Space
  mount: string
  /** What takes the disk's space, the most first; empty while enough is left. */
  takes: Taken[]
  /** The rollouts, the oldest first; a rollout that is under way or was interrupted is the last. */
  history: Entry[]
  /** The run that holds the lock: WHO since WHEN for WHAT; empty: none. */
  lock: string
  /** The step that this run is doing. */
  step: string
  /** `since`: milliseconds since 1970; `allowed`: the addresses that get through. */
  maintenance?: { who: string; since: number; allowed: string[] }
  /** The results of the last backups, the latest last. */
  backups: Result[]
  /** Since when the server makes a daily backup: milliseconds since 1970. */
  schedule?: number
  /** The image mode that `auto` chose; empty: none yet. */
  mode: string
  /** The ids of the Python images by their names. */
  python: Record<string, string>
  /** A digest of the current passwords. */
  secrets: string
  /** The commits of the targets, by the target's name. */
  revisions: Record<string, string>
}

/** Bytes, or files. */
export interface Space {
  free: number
  size: number
}
interface Transaction {
  seconds: number
  pid: number
  user: string
  state: string
}

/** Seconds for the script. */
const DEADLINE = 30

export async function lookAtAll(host: Host, stack: StackConfig): Promise<Facts> {
  const python = (['registry', 'debian'] as const).flatMap((mode) => pythonNames(stack, mode))
  const script = remote('status', {
    folder: stack.folder,
    project: stack.project,
    service: serviceOf(stack),
    inspected: INSPECTED,
    python: [...new Set(python)].join(' '),
    balancer: remoteText('balancer.pl'),
    traffic: remoteText('traffic.pl'),
    usage: remoteText('usage.pl'),
  })
  const asks = bash`asks() { ${answering(stack, 'lb')}; }`
  const all = join([spaceFunction(stack.folder), certificateFunction(stack), asks, script])
  return parseFacts(stack, await host.run('Looking at everything', all, { deadline: DEADLINE }))
}

/** @param output of remote/status.sh */
export function parseFacts(stack: StackConfig, output: string): Facts {
  const all = factsIn(output)
  const lines = linesIn(output)
  const one = (kind: string) => all(kind)[0]
  const text = (kind: string) => lines(kind)[0] ?? ''
  const numbers = (kind: string) => one(kind)?.map(Number)
  const now = Number(text('now'))
  const [usage, ooms] = [all('usage'), all('oom')]
  const inspected = lines('container').map((line) => JSON.parse(line) as Inspected)
  const isTask = ({ Labels }: Inspected) => 'com.docker.swarm.task.id' in Labels
  const found = inspected.filter((one) => !isTask(one))
  const container = (one: Inspected) => containerOf(one, now, usage, ooms)
  const [requests = 0, failed = 0, p50 = 0, p99 = 0, seconds = 0, still] = numbers('traffic') ?? []
  const [bytes, connections = 0, most = 0] = numbers('database') ?? []
  const [used, keys = 0] = numbers('redis') ?? []
  const [who = '', since] = one('maintenance') ?? []
  const pairs = (kind: string) => Object.fromEntries(all(kind).map(([key = '', value = '']) => [key, value]))
  return {
    containers: found.map(container).sort(byName),
    tasks: inspected.filter(isTask).map(container),
    replicas: found
      .filter(({ Labels }) => Labels['com.docker.compose.service'] === 'app')
      .map((one) => replicaOf(stack, one, now))
      .sort(byName),
    places: parsePlaces(lines('place').join('\n')),
    killed: parseKilled(output),
    wanted: Number(text('replicas')),
    ...(requests > 0 && { traffic: { requests, failed, p50, p99, seconds, still: still === 1 } }),
    ...(bytes !== undefined && {
      database: { bytes, connections, most, ...transaction(one('database') ?? []) },
    }),
    ...(used !== undefined && { redis: { bytes: used, keys } }),
    answers: text('answers') === 'yes',
    ...renewedIn(output),
    ...space('disk', numbers('disk')),
    ...space('inodes', numbers('inodes')),
    ...space('memory', numbers('memory')),
    mount: one('disk')?.[2] ?? '',
    takes: parseTaken(all),
    history: parseHistory([...lines('history'), ...lines('begun')].join('\n')),
    lock: text('lock'),
    step: text('step'),
    ...(since && {
      maintenance: { who, since: Number(since) * 1000, allowed: all('allow').map(([at = '']) => at) },
    }),
    backups: jsonIn<Result>(lines('backup').join('\n')),
    ...(one('schedule') && { schedule: Number(text('schedule')) * 1000 }),
    mode: text('mode'),
    python: pairs('python'),
    secrets: text('secrets'),
    revisions: pairs('revision'),
  }
}

const space = (name: 'disk' | 'inodes' | 'memory', [free, size]: number[] = []) =>
  free === undefined || size === undefined ? {} : { [name]: { free, size } }

const transaction = ([, , , seconds, pid, user = '', state = '']: string[]) =>
  seconds ? { longest: { seconds: Number(seconds), pid: Number(pid), user, state } } : {}
