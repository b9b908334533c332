/** The hosts and the replicas of a swarm as tables. */
import { list, seconds } from '../cli/say.mts'
import { table } from '../cli/table.mts'
import type { Here } from './look.mts'
import { serving, type Task, type View } from './view.mts'

export interface Rows {
  head: string[]
  rows: string[][]
}

export const tableOf = ({ head, rows }: Rows): string => table(head, rows)

/** The hosts. @param here what runs on each beside the replicas */
export function hostRows(view: View, here: Here[] = []): Rows {
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
  return {
    head: ['host', 'state', 'use', 'role', 'replicas', ...(here.length > 0 ? ['services'] : [])],
    rows,
  }
}

/** The replicas that Swarm wants, and those that still end. */
export function replicaRows({ tasks }: View, here: Here[]): Rows {
  const rows = tasks
    .filter(({ wanted, state }) => wanted || state === 'running')
    .map((one) => [
      one.name,
      one.on || '-',
      one.release,
      `${one.wanted ? one.state : 'ends'} ${seconds(one.age)}`,
      foundBy(one, here),
    ])
  return { head: ['replica', 'host', 'release', 'state', 'requests from the balancers of'], rows }
}

function foundBy({ address }: Task, here: Here[]): string {
  const found = here.filter(({ places }) => places.some((place) => place.up && place.address === address))
  return list(found.map(({ name }) => name)) || 'none'
}
