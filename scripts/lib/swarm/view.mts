/** The swarm as a manager sees it: its hosts, the service of the replicas, and each replica. */
import { CommandError, NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import { linesIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { releaseOf } from '../rollout/target.mts'
import { serviceOf } from '../stack/stack.mts'
import { HOST_LABEL } from './node.mts'
import { SETTINGS } from './service.mts'

export interface Member {
  id: string
  /** As in `hosts` of config/stack.yaml. */
  name: string
  up: boolean
  /** `active`, or `drain`: it gets no replicas. */
  availability: string
  role: 'leader' | 'manager' | 'worker'
  labels: Record<string, string>
}

/** A replica, as a task of Swarm. */
export interface Task {
  id: string
  /** `app.3`. */
  name: string
  /** The host's name; empty: it has none yet. */
  on: string
  release: string
  target: string
  secrets: string
  /** Whether Swarm wants it to run. */
  wanted: boolean
  /** Swarm's word: `running` once its health check succeeds. */
  state: string
  /** Why it ended, in Swarm's words. */
  error: string
  exitCode: number
  /** Since when it has been in this state, in milliseconds since 1970, and for how many milliseconds, by the manager's clock. */
  since: number
  age: number
  container: string
  /** On the network that it shares with the balancers. */
  address: string
}

export interface Service {
  target: string
  secrets: string
  /** Digest of the other settings. */
  settings: string
  replicas: number
  /** Swarm's word for the last update: `updating`, `completed`, `rollback_started`, …; empty: there was none. */
  update: string
  why: string
}

export interface View {
  members: Member[]
  /** Undefined while there is none. */
  service: Service | undefined
  tasks: Task[]
}

/** Half of the managers or more are lost. */
export class NoQuorum extends OperatorError {
  constructor() {
    super(
      'Too few managers of the swarm answer each other, so nobody can give it orders',
      'Bring one of the hosts back, then the same command again. If they are lost for good: npm run deploy with the host that holds the database as the only one (host).',
      'what runs keeps running.',
    )
  }
}

/** @throws NoQuorum; OperatorError when the host is no manager */
export async function lookAtSwarm(host: Host, stack: StackConfig): Promise<View> {
  const script = remote('see-service', { service: serviceOf(stack) })
  const { exitCode, stdout, stderr } = await host.attempt(script)
  if (exitCode === 0) return parseView(stack, stdout, host.address)
  if (/not a swarm manager|connect to|command not found/.test(stderr))
    throw new OperatorError(
      `${host.name} is no manager of a swarm`,
      'npm run deploy makes the swarm. If there is one: bring the host back that is its manager.',
      NOTHING_CHANGED,
    )
  if (/lost quorum|no leader|not have a leader|deadline ?exceeded|timed out/i.test(stderr))
    throw new NoQuorum()
  throw new CommandError('Looking at the swarm', exitCode, stderr)
}

/**
 * @param output of scripts/remote/see-service.sh
 * @param asked  name of the host that was asked: another operator may call it otherwise (`local`)
 */
export function parseView(stack: StackConfig, output: string, asked = ''): View {
  const all = linesIn(output)
  const [self] = all('self')
  const members = all('node')
    .map((line) => memberOf(JSON.parse(line)))
    .map((member) => (asked && member.id === self ? { ...member, name: asked } : member))
  const now = Number(all('now')[0])
  const [service] = all('service').map((line) => serviceIn(JSON.parse(line)))
  const tasks = all('task').map((line) => taskOf(stack, members, now, JSON.parse(line)))
  return { members, service, tasks: tasks.toSorted((a, b) => a.name.localeCompare(b.name) || b.age - a.age) }
}

// biome-ignore lint/suspicious/noExplicitAny: the engine's own JSON
type Json = any

function memberOf({ ID, Spec, Status, ManagerStatus, Description }: Json): Member {
  return {
    id: ID,
    name: Spec.Labels?.[HOST_LABEL] ?? Description.Hostname,
    up: Status.State === 'ready',
    availability: Spec.Availability,
    role: ManagerStatus?.Leader ? 'leader' : ManagerStatus ? 'manager' : 'worker',
    labels: Spec.Labels ?? {},
  }
}

function serviceIn({ Spec, UpdateStatus }: Json): Service {
  const labels = Spec.TaskTemplate.ContainerSpec.Labels ?? {}
  return {
    target: labels['prusa.target'] ?? '',
    secrets: labels['prusa.secrets'] ?? '',
    settings: Spec.Labels?.[SETTINGS] ?? '',
    replicas: Spec.Mode.Replicated?.Replicas ?? 0,
    update: UpdateStatus?.State ?? '',
    why: UpdateStatus?.Message ?? '',
  }
}

function taskOf(stack: StackConfig, members: Member[], now: number, task: Json): Task {
  const { ID, Slot, NodeID, Spec, Status, DesiredState, NetworksAttachments = [] } = task
  const labels = Spec.ContainerSpec.Labels ?? {}
  const target = labels['prusa.target'] ?? ''
  const since = Date.parse(Status.Timestamp)
  const shared = NetworksAttachments.find(
    ({ Network }: Json) => Network.Spec.Name === `${stack.project}_swarm_frontend`,
  )
  return {
    id: ID,
    name: `app.${Slot}`,
    on: members.find(({ id }) => id === NodeID)?.name ?? '',
    release: releaseOf(target),
    target,
    secrets: labels['prusa.secrets'] ?? '',
    wanted: DesiredState === 'running' || DesiredState === 'ready',
    state: Status.State,
    error: Status.Err ?? '',
    exitCode: Status.ContainerStatus?.ExitCode ?? 0,
    since,
    age: now - since,
    container: Status.ContainerStatus?.ContainerID ?? '',
    address: shared?.Addresses?.[0]?.replace(/\/.*/, '') ?? '',
  }
}

/** Why a host takes no part, as the end of a sentence; empty: it does. */
export function absence(member: Member | undefined): string {
  if (!member) return 'is not in the swarm yet. npm run deploy takes it in.'
  if (!member.up) return 'is down. It takes no part; npm run deploy brings it up to date when it is back.'
  if (member.availability !== 'active')
    return `is drained. It takes no part until npm run hosts -- activate ${member.name}.`
  return ''
}

/** Replicas that get requests: they run, and Swarm wants them. */
export const serving = ({ tasks }: View): Task[] =>
  tasks.filter(({ wanted, state }) => wanted && state === 'running')

/** What the engine says of a container that has ended with its host. */
const LOST = 255

/** Whether a replica has ended by itself. */
export const hasCrashed = ({ state, exitCode }: Task) => state === 'failed' && exitCode !== LOST

/** The names of the targets that run, the latest last. */
export async function targetsOnSwarm(host: Host, stack: StackConfig): Promise<string[]> {
  const view = await lookAtSwarm(host, stack)
  const latest = view.service?.target ?? ''
  const others = serving(view).map(({ target }) => target)
  return [...new Set([...others.filter((one) => one !== latest), latest])].filter(Boolean)
}
