/** The screen of `npm run status` for several hosts: what is wrong, the hosts, and who runs where. */
import { list, painted, result, seconds } from '../cli/say.mts'
import { table } from '../cli/table.mts'
import type { StackConfig } from '../config/config.mts'
import type { Place } from '../edge/balancer.mts'
import { factsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { type Entry, historyTable, readHistory } from '../proof/history.mts'
import { placesOf } from './balancers.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm, type Member, serving, type Task, type View } from './view.mts'

/** The containers of Compose on a host, and what its balancer says of the replicas. */
interface Here {
  name: string
  /** Why nothing is known; empty: it is. */
  silent: string
  services: { service: string; running: boolean; said: string }[]
  places: Place[]
}

interface Shown {
  view: View
  here: Here[]
  history: Entry[]
}

/** Something that is wrong, and what to do. `grave`: clients notice, or soon may. */
interface Alarm {
  what: string
  next: string
  grave: boolean
}

/** Prints all. @returns whether something grave is wrong */
export async function printSwarm(
  swarm: Swarm,
  host: Host,
  stack: StackConfig,
  json: boolean,
): Promise<boolean> {
  const [view, history, here] = await Promise.all([
    lookAtSwarm(host, stack),
    readHistory(host, stack),
    Promise.all(swarm.hosts.map((one) => lookAtHost(one, stack))),
  ])
  const alarms = alarmsOf(swarm, stack, { view, here, history })
  if (json) result(JSON.stringify({ alarms, ...view, hosts: here, history }, null, 2))
  else {
    for (const { what, next, grave } of alarms)
      result(`${painted('red', `${grave ? '✗' : '!'} ${what}`)}\n  Next: ${next}`)
    if (alarms.length > 0) result('')
    result(screen({ view, here, history }))
  }
  return alarms.some(({ grave }) => grave)
}

async function lookAtHost(host: Host, stack: StackConfig): Promise<Here> {
  const script = bash`
docker ps -a --filter label=com.docker.compose.project=${stack.project} \
  --format 'service\t{{.Label "com.docker.compose.service"}}\t{{.State}}\t{{.Status}}'`
  const { address: name } = host
  const looks = Promise.all([host.run('Looking at the host', script), placesOf(host, stack)])
  return await looks.then(
    ([output, places]) => {
      const services = factsIn(output)('service').map(([service = '', state = '', said = '']) => ({
        service,
        running: state === 'running',
        said,
      }))
      return { name, silent: '', services, places }
    },
    (error: Error) => ({ name, silent: error.message.split('\n')[0] ?? '', services: [], places: [] }),
  )
}

export function alarmsOf(swarm: Pick<Swarm, 'first'>, stack: StackConfig, { view, here }: Shown): Alarm[] {
  const { members, service } = view
  const data = swarm.first.address
  const number = serving(view).length
  const lost = members
    .filter(({ up }) => !up)
    .map(({ name }) => ({
      what: `${name} is down${name === data ? '. It holds the database and Redis: pages that need them answer an error until it is back' : '; its replicas run elsewhere'}`,
      next:
        name === data
          ? 'Bring it back.'
          : `Bring it back, or take it out for good: npm run hosts -- remove ${name}`,
      grave: true,
    }))
  const silent = here
    .filter((one) => one.silent && members.find(({ name }) => name === one.name)?.up)
    .map(({ name, silent }) => ({
      what: `${name} is up, and this machine does not reach it: ${silent}`,
      next: 'Look at name, port and firewall.',
      grave: false,
    }))
  const stopped = here.flatMap(({ name, services }) =>
    isDrained(members, name)
      ? []
      : services
          .filter(({ running }) => !running)
          .map(({ service: what, said }) => ({
            what: `${what} on ${name} does not run: ${said}`,
            next: 'npm run deploy',
            grave: true,
          })),
  )
  const few = service && number < service.replicas
  return [
    ...lost,
    ...silent,
    ...stopped,
    ...(few
      ? [
          {
            what: `${number} of ${service.replicas} replicas run${lastError(view)}`,
            next: 'npm run status again: Swarm is starting others',
            grave: true,
          },
        ]
      : []),
    ...(service && /paused/.test(service.update)
      ? [
          {
            what: `The last rollout has stopped: ${service.why}`,
            next: 'npm run redeploy, or npm run rollback',
            grave: true,
          },
        ]
      : []),
    ...(service
      ? []
      : [{ what: `No release of ${stack.project} runs`, next: 'npm run deploy', grave: true }]),
  ]
}

const isDrained = (members: Member[], name: string) =>
  members.find((one) => one.name === name)?.availability === 'drain'

function lastError({ tasks }: View): string {
  const failed = tasks.filter(({ error }) => error).toSorted((a, b) => a.age - b.age)[0]
  return failed ? `; the last to end: ${failed.name} on ${failed.on || 'no host'}, ${failed.error}` : ''
}

export function screen({ view, here, history }: Shown): string {
  const releases = [...new Set(serving(view).map(({ release }) => release))]
  const last = history.at(-1)
  return [
    `release ${list(releases) || 'none'}${view.service?.update === 'updating' ? ', and a rollout is under way' : ''}`,
    ...(last ? ['', historyTable([last])] : []),
    '',
    hostTable(view, here),
    '',
    replicaTable(view, here),
  ].join('\n')
}

/** The hosts. @param here what runs on each beside the replicas */
export function hostTable(view: View, here: Here[] = []): string {
  const rows = view.members
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ name, up, availability, role }) => {
      const services = here.find((one) => one.name === name)?.services ?? []
      const number = serving(view).filter(({ on }) => on === name).length
      const running = services.filter((one) => one.running).map(({ service }) => service)
      return [
        name,
        up ? 'up' : 'down',
        availability,
        role,
        String(number),
        ...(here.length > 0 ? [list(running)] : []),
      ]
    })
  return table(['host', 'state', 'use', 'role', 'replicas', ...(here.length > 0 ? ['services'] : [])], rows)
}

/** The replicas that Swarm wants, and those that still end. */
function replicaTable({ tasks }: View, here: Here[]): string {
  const rows = tasks
    .filter(({ wanted, state }) => wanted || state === 'running')
    .map((one) => [
      one.name,
      one.on || '-',
      one.release,
      `${one.wanted ? one.state : 'ends'} ${seconds(one.age)}`,
      foundBy(one, here),
    ])
  return table(['replica', 'host', 'release', 'state', 'requests from the balancers of'], rows)
}

function foundBy({ address }: Task, here: Here[]): string {
  const found = here.filter(({ places }) => places.some((place) => place.up && place.address === address))
  return list(found.map(({ name }) => name)) || 'none'
}
