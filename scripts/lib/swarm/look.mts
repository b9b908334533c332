/** One look at all hosts: the swarm, and what `npm run status` shows of each host. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import type { Replica } from '../rollout/replica.mts'
import { type Facts, lookAtAll } from '../status/status.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm, type Task, type View } from './view.mts'

/** A host. */
export interface Here {
  name: string
  /** Why nothing is known; empty: it is. */
  silent: string
  facts?: Facts
}

export interface Shown {
  view: View
  here: Here[]
}

/** @param manager a host of the swarm */
export async function lookAtAllHosts(swarm: Swarm, manager: Host, stack: StackConfig): Promise<Shown> {
  const [view, ...here] = await Promise.all([
    lookAtSwarm(manager, stack),
    ...swarm.hosts.map((host) => lookAtHost(host, stack)),
  ])
  return { view, here }
}

const lookAtHost = (host: Host, stack: StackConfig): Promise<Here> =>
  lookAtAll(host, stack).then(
    (facts) => ({ name: host.address, silent: '', facts }),
    ({ message }: Error) => ({ name: host.address, silent: message.split('\n')[0] ?? '' }),
  )

/**
 * What is known of the deployment as a whole, as one host would show it: what the host with the data knows, or another one
 * while it is silent; the replicas that Swarm wants on any; the run that holds the lock of any.
 */
export function wholeOf({ view, here }: Shown): Facts | undefined {
  const known = here.flatMap(({ facts }) => facts ?? [])
  const [first] = known
  const { lock = '', step = '' } = known.find((facts) => facts.lock) ?? {}
  const tasks = view.tasks.filter(({ wanted }) => wanted)
  return first && { ...first, lock, step, replicas: tasks.map(replicaOf), places: tasks.map(placeOf) }
}

const replicaOf = ({ container, ...task }: Task): Replica => {
  return { ...task, id: container, running: task.state === 'running', restarts: 0 }
}

/** The balancers give requests to all that run. */
const placeOf = ({ address, state }: Task) => ({
  name: '',
  address,
  up: state === 'running',
  why: '',
  busy: 0,
  answered: 0,
  failed: 0,
  weight: 100,
})
