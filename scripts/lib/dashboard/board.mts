/** All that the page knows. It is told line by line, and remembers as much as the page shows. */
import type { StackConfig } from '../config/config.mts'
import type { Step } from '../proof/timeline.mts'
import { type Comparison, compare } from '../status/checkout.mts'
import type { Facts } from '../status/status.mts'
import { type Look, parseLook } from './look.mts'
import { follow, type Track } from './tracks.mts'

/** Milliseconds that the charts show. */
export const WINDOW = 300_000

/** What was asked of a replica within a second. */
export interface Second {
  /** Milliseconds since 1970 of its beginning. */
  at: number
  requests: number
  failed: number
  /** Milliseconds. */
  p50: number
  p99: number
}

export class Board {
  facts: Facts | undefined
  /** Of these facts with the checkout. */
  comparison: Comparison | undefined
  /** The last look. */
  look: Look | undefined
  /** By the container's name; empty: no replica answered; `all`: everybody's. */
  readonly seconds = new Map<string, Second[]>()
  /** By the container's id. */
  readonly tracks = new Map<string, Track>()
  steps: readonly Step[] = []
  /** Why there is no news, what helps, and since when in milliseconds since 1970; empty: there is. */
  problem = ''
  next = ''
  problemSince = 0
  /** When the last look came, in milliseconds since 1970. */
  heard = 0
  /** Milliseconds by which the server's clock is ahead of ours. */
  #ahead = 0

  constructor(readonly stack: StackConfig) {}

  /** The server's clock, in milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#ahead
  }

  takeFacts(facts: Facts): void {
    this.problem = ''
    this.facts = facts
    this.comparison = compare(this.stack, facts)
  }

  /** @param lines of remote/look.sh */
  takeLook(lines: readonly string[]): void {
    this.see(parseLook(lines))
  }

  see(look: Look): void {
    this.look = look
    this.#ahead = look.now - Date.now()
    this.problem = ''
    this.heard = Date.now()
    follow(this.tracks, look, this.stack.rollout.ready_timeout)
    const [first] = look.steps
    // When the run has ended, its steps are known only here.
    if (first) this.steps = [...this.steps.filter(({ from }) => from < first.from), ...look.steps]
    this.forget(look.now - WINDOW)
  }

  /** A connection begins: the load balancer's log is read anew, and the first look is due. */
  restart(): void {
    this.seconds.clear()
    this.heard = Date.now()
  }

  /** @param line of remote/traffic.pl */
  takeSecond(line: string): void {
    const [at = 0, name = '', ...values] = line.split('\t')
    const [requests = 0, failed = 0, p50 = 0, p99 = 0] = values.map(Number)
    const known = this.seconds.get(name) ?? []
    const second = { at: Number(at) * 1000, requests, failed, p50, p99 }
    const last = known.at(-1)
    // Lines that came late are told by themselves.
    if (last?.at === second.at) known.splice(-1, 1, joined(last, second))
    else known.push(second)
    this.seconds.set(name, known)
  }

  /** @param next what helps */
  lose(problem: string, next = ''): void {
    if (!this.problem) this.problemSince = Date.now()
    this.problem = problem
    this.next = next
  }

  /** @param before milliseconds since 1970 */
  forget(before: number): void {
    for (const [name, seconds] of this.seconds) {
      const kept = seconds.filter(({ at }) => at >= before)
      if (kept.length > 0) this.seconds.set(name, kept)
      else this.seconds.delete(name)
    }
    this.steps = this.steps.filter(({ to }) => to >= before)
    for (const [id, { turns }] of this.tracks) {
      const last = turns.at(-1)
      if (last?.state === 'gone' && last.from < before) this.tracks.delete(id)
    }
  }
}

/** The percentiles of both cannot be known any more: the larger ones stand for them. */
export const joined = (one: Second, other: Second): Second => ({
  at: one.at,
  requests: one.requests + other.requests,
  failed: one.failed + other.failed,
  p50: Math.max(one.p50, other.p50),
  p99: Math.max(one.p99, other.p99),
})
