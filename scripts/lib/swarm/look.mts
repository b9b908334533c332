/** One look at all hosts: the swarm, the containers of Compose, and what each balancer says. */
import type { StackConfig } from '../config/config.mts'
import type { Place } from '../edge/balancer.mts'
import { factsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, join } from '../host/shell.mts'
import { type Entry, readHistory } from '../proof/history.mts'
import { answering } from '../stack/stack.mts'
import { certificateFunction, type Renewed, renewedIn } from '../status/renewed.mts'
import { placesOf } from './balancers.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm, type View } from './view.mts'

/** The containers of Compose on a host, and what its balancer says of the replicas. */
export interface Here {
  name: string
  /** Why nothing is known; empty: it is. */
  silent: string
  /** Whether its load balancer answers. */
  answers: boolean
  /** Who switched maintenance on there; empty: it is off. */
  closedBy: string
  renewed: Renewed
  services: { service: string; running: boolean; said: string }[]
  places: Place[]
}

export interface Shown {
  view: View
  here: Here[]
  history: Entry[]
}

/** @param manager a host of the swarm */
export async function lookAtAllHosts(swarm: Swarm, manager: Host, stack: StackConfig): Promise<Shown> {
  const [view, history, here] = await Promise.all([
    lookAtSwarm(manager, stack),
    readHistory(manager, stack),
    Promise.all(swarm.hosts.map((one) => lookAtHost(one, stack))),
  ])
  return { view, here, history }
}

async function lookAtHost(host: Host, stack: StackConfig): Promise<Here> {
  const looks = bash`
docker ps -a --filter label=com.docker.compose.project=${stack.project} \
  --format 'service\t{{.Label "com.docker.compose.service"}}\t{{.State}}\t{{.Status}}'
if ${answering(stack, 'lb')}; then echo answers; fi
sed 's/^/closed\t/' ${stack.folder}/nginx/maintenance/on 2>/dev/null || true
certificate`
  const { address: name } = host
  const script = join([certificateFunction(stack), looks])
  return await Promise.all([host.run('Looking at the host', script), placesOf(host, stack)]).then(
    ([output, places]) => {
      const all = factsIn(output)
      const services = all('service').map(([service = '', state = '', said = '']) => ({
        service,
        running: state === 'running',
        said,
      }))
      const [closedBy = ''] = all('closed')[0] ?? []
      const answers = all('answers').length > 0
      return { name, silent: '', answers, closedBy, renewed: renewedIn(output), services, places }
    },
    ({ message }: Error) => {
      const [silent = ''] = message.split('\n')
      const renewed = { renewal: [] }
      return { name, silent, answers: false, closedBy: '', renewed, services: [], places: [] }
    },
  )
}
