/** The page of several hosts: what their load balancers and the swarm tell for as long as it is open. */
import type { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import { Board, joined, type Second, WINDOW } from '../dashboard/board.mts'
import { again, counting, type Feed, listen, RETRY } from '../dashboard/feed.mts'
import type { Look } from '../dashboard/look.mts'
import { type Parts, summary } from '../dashboard/parts.mts'
import type { Host } from '../host/host.mts'
import { html, tableOf } from '../page/html.mts'
import { lookAtAllHosts, type Shown } from './look.mts'
import { alarmsOf, releaseOn } from './screen.mts'
import type { Swarm } from './swarm.mts'
import { hostRows, replicaRows } from './tables.mts'

/** Milliseconds between two looks. */
const INTERVAL = 1000

export class HostsFeed implements Feed {
  /** The last look. */
  #shown: Shown | undefined
  /** The requests that each host's load balancer counts. */
  readonly #counted: Map<Host, Board>

  constructor(
    private readonly swarm: Swarm,
    private readonly board: Board,
  ) {
    this.#counted = new Map(swarm.hosts.map((host) => [host, new Board(board.stack)]))
  }

  get status(): Parts {
    return this.#shown ? statusOf(this.swarm, this.board.stack, this.#shown) : {}
  }

  async run(signal: AbortSignal): Promise<void> {
    const counts = [...this.#counted].map(([host, own]) =>
      again(signal, RETRY, async () => {
        own.restart()
        await listen(host, counting(own.stack), signal, (line) => own.takeSecond(line)).catch(() => {}) // a look says why
      }),
    )
    await Promise.all([...counts, again(signal, INTERVAL, () => this.#look())])
  }

  async #look(): Promise<void> {
    const { board, swarm } = this
    try {
      this.#shown = await lookFromAny(swarm, board.stack)
    } catch (error) {
      const { message, next } = error as OperatorError
      return board.lose(message, next)
    }
    board.see(lookOf(this.#shown, Date.now()))
    for (const own of this.#counted.values()) own.forget(Date.now() - WINDOW)
    const sums = sumsOf([...this.#counted.values()].map(({ seconds }) => seconds))
    board.seconds.clear()
    for (const [name, seconds] of sums) board.seconds.set(name, seconds)
  }
}

/** Asks one host after the other, until one of them answers. @throws OperatorError of the last one */
async function lookFromAny(swarm: Swarm, stack: StackConfig): Promise<Shown> {
  let failed: unknown
  for (const host of swarm.hosts) {
    try {
      return await lookAtAllHosts(swarm, host, stack)
    } catch (error) {
      failed = error
    }
  }
  throw failed
}

/** The replicas as the board follows them. One that Swarm stops has no share any more. @param now milliseconds since 1970 */
export function lookOf({ view, here }: Shown, now: number): Look {
  const tasks = view.tasks.filter(
    ({ state, container }) => container && ['starting', 'running'].includes(state),
  )
  const places = here.find((one) => one.places.length > 0)?.places ?? []
  const none = { name: '', up: false, why: '', busy: 0, answered: 0, failed: 0, weight: 100 }
  return {
    now,
    lock: '',
    step: '',
    steps: [],
    replicas: tasks.map(({ container: id, name, release, target, since: started, address }) => {
      return { id, name, release, target, running: true, started, address }
    }),
    places: tasks.map(({ address, wanted }) => {
      const place = places.find((one) => one.address === address) ?? { ...none, address }
      return wanted ? place : { ...place, weight: 0 }
    }),
  }
}

/** The sums of what several load balancers have counted, by the replica's name. */
export function sumsOf(all: readonly ReadonlyMap<string, readonly Second[]>[]): Map<string, Second[]> {
  const sums = new Map<string, Map<number, Second>>()
  for (const [name, seconds] of all.flatMap((one) => [...one])) {
    const sum = sums.get(name) ?? new Map<number, Second>()
    for (const second of seconds) {
      const known = sum.get(second.at)
      sum.set(second.at, known ? joined(known, second) : second)
    }
    sums.set(name, sum)
  }
  return new Map([...sums].map(([name, sum]) => [name, [...sum.values()].toSorted((a, b) => a.at - b.at)]))
}

function statusOf(swarm: Swarm, stack: StackConfig, shown: Shown): Parts {
  const [replicas, hosts] = [replicaRows(shown.view, shown.here), hostRows(shown.view, shown.here)]
  return {
    ...summary(stack.project, alarmsOf(swarm, stack, shown)),
    release: `<p>${html(releaseOn(shown.view))}</p>`,
    replicas: tableOf(replicas.head, replicas.rows),
    services: tableOf(hosts.head, hosts.rows),
  }
}
