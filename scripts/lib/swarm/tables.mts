/** The hosts, the replicas and the services of a swarm as tables. */
import { list, seconds } from '../cli/say.mts'
import { table } from '../cli/table.mts'
import type { Differs } from '../status/checkout.mts'
import type { Container } from '../status/container.mts'
import { asConfigured, type Rows, SERVICE, STATE, serviceRows, spaceOf, stateOf } from '../status/screen.mts'
import type { Here, Shown } from './look.mts'
import { hasCrashed, serving, type Task, type View } from './view.mts'

export const tableOf = ({ head, rows }: Rows): string => table(head, rows)

/** The hosts. @param here what is known of each; empty: it was not asked */
export function hostRows(view: View, here: Here[] = []): Rows {
  const asked = here.length > 0
  const rows = view.members
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ name, up, availability, role }) => {
      const { disk, memory } = here.find((one) => one.name === name)?.facts ?? {}
      const number = serving(view).filter(({ on }) => on === name).length
      const space = [disk, memory].map((one) => (one ? spaceOf(one) : '-'))
      return [name, up ? 'up' : 'down', availability, role, String(number), ...(asked ? space : [])]
    })
  return { head: ['host', 'state', 'use', 'role', 'replicas', ...(asked ? ['disk', 'memory'] : [])], rows }
}

/** The replicas that Swarm wants, and those that still end. */
export function replicaRows({ view: { tasks }, here }: Shown, differs: Differs): Rows {
  const containers = here.flatMap(({ facts }) => facts?.tasks ?? [])
  const rows = tasks
    .filter(({ wanted, state }) => wanted || state === 'running')
    .map((one) => [
      one.name,
      one.on || '-',
      one.release,
      ...stateOfTask(one, tasks, containers),
      foundBy(one, here),
      asConfigured(differs(one)),
    ])
  const head = ['replica', 'host', 'release', ...STATE, 'requests from the balancers of', 'as configured']
  return { head, rows }
}

/** The columns of STATE. */
function stateOfTask(one: Task, tasks: Task[], containers: Container[]): string[] {
  const [state, health, , memory, processor] = stateOf(containers.find(({ id }) => id === one.container))
  const failed = tasks.filter((other) => hasCrashed(other) && other.target === one.target)
  const crashes = failed.filter(({ name }) => name === one.name).length
  const known = state || `${one.state} ${seconds(one.age)}`
  return [one.wanted ? known : `ends ${seconds(one.age)}`, health, String(crashes), memory, processor]
}

function foundBy({ address }: Task, here: Here[]): string {
  const balancers = here.filter(({ facts }) => facts && facts.places.length > 0)
  const found = balancers.filter(({ facts }) =>
    facts?.places.some((one) => one.up && one.address === address),
  )
  if (found.length === 0) return 'none'
  return found.length === balancers.length ? 'all hosts' : list(found.map(({ name }) => name))
}

/** The services that Compose runs on each host. */
export const servicesOfAll = (here: Here[]): Rows => ({
  head: ['host', ...SERVICE],
  rows: here.flatMap(({ name, facts }) => (facts ? serviceRows(facts).map((row) => [name, ...row]) : [])),
})
