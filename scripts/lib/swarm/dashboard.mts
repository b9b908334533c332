/** The page of several hosts: what their load balancers and the swarm tell for as long as it is open. */
import type { OperatorError } from '../cli/errors.mts'
import { Board, joined, type Second, WINDOW } from '../dashboard/board.mts'
import { again, counting, type Feed, listen, RETRY } from '../dashboard/feed.mts'
import type { Look } from '../dashboard/look.mts'
import { type Parts, parts } from '../dashboard/parts.mts'
import type { Place } from '../edge/balancer.mts'
import type { Host } from '../host/host.mts'
import type { Comparison } from '../status/checkout.mts'
import { placesOf } from './balancers.mts'
import { lookAtAllHosts, type Shown, wholeOf } from './look.mts'
import { alarmsOf, comparisonOf, shownOf } from './screen.mts'
import type { Swarm } from './swarm.mts'
import { absence, lookAtSwarm } from './view.mts'

/** Milliseconds between two looks at the swarm, and between two at everything. */
const INTERVAL = 1000
const EVERYTHING = 10_000

export class HostsFeed implements Feed {
  /** The last look. */
  #shown: Shown | undefined
  #comparison: Comparison | undefined
  /** The requests that each host's load balancer counts. */
  readonly #counted: Map<Host, Board>

  constructor(
    private readonly swarm: Swarm,
    private readonly board: Board,
  ) {
    this.#counted = new Map(swarm.hosts.map((host) => [host, new Board(board.stack)]))
  }

  get status(): Parts {
    const { stack } = this.board
    if (!this.#shown || !this.#comparison) return {}
    const { differs, note } = this.#comparison
    const alarms = alarmsOf(this.swarm, stack, this.#shown)
    return parts(stack.project, alarms, shownOf(stack, this.#shown, differs), note)
  }

  async run(signal: AbortSignal): Promise<void> {
    const counts = [...this.#counted].map(([host, own]) =>
      again(signal, RETRY, async () => {
        own.restart()
        await listen(host, counting(own.stack), signal, (line) => own.takeSecond(line)).catch(() => {}) // a look says why
      }),
    )
    await Promise.all([
      ...counts,
      again(signal, INTERVAL, () => this.#look()),
      again(signal, EVERYTHING, () => this.#lookAtAll()),
    ])
  }

  async #lookAtAll(): Promise<void> {
    const { board, swarm } = this
    await this.#orLost(async (host) => {
      this.#shown = await lookAtAllHosts(swarm, host, board.stack)
      this.#comparison = comparisonOf(board.stack, this.#shown)
    })
  }

  async #look(): Promise<void> {
    const { board, swarm } = this
    if (!this.#shown) return // the first look at everything is under way
    await this.#orLost(async (host) => {
      const view = await lookAtSwarm(host, board.stack)
      const inUse = swarm.hosts.find((one) => !absence(view.members.find(({ name }) => name === one.address)))
      const places = inUse ? await placesOf(inUse, board.stack).catch(() => []) : []
      this.#shown = { view, here: this.#shown?.here ?? [] }
      board.see(lookOf(this.#shown, places, Date.now()))
      for (const own of this.#counted.values()) own.forget(Date.now() - WINDOW)
      const sums = sumsOf([...this.#counted.values()].map(({ seconds }) => seconds))
      board.seconds.clear()
      for (const [name, seconds] of sums) board.seconds.set(name, seconds)
    })
  }

  /** Asks one host after the other, until one of them answers. If none does, the page says so. */
  async #orLost(look: (host: Host) => Promise<void>): Promise<void> {
    const { board, swarm } = this
    let failed: unknown
    for (const host of swarm.hosts) {
      try {
        return await look(host)
      } catch (error) {
        failed = error
      }
    }
    const { message, next } = failed as OperatorError
    board.lose(message, next)
  }
}

/**
 * The replicas as the board follows them. One that Swarm stops has no share any more.
 * @param places as the balancer of a host has them
 * @param now    milliseconds since 1970
 */
export function lookOf(shown: Shown, places: readonly Place[], now: number): Look {
  const { lock = '', step = '' } = wholeOf(shown) ?? {}
  const tasks = shown.view.tasks.filter(
    ({ state, container }) => container && ['starting', 'running'].includes(state),
  )
  const none = { name: '', up: false, why: '', busy: 0, answered: 0, failed: 0, weight: 100 }
  return {
    now,
    lock,
    step,
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
