/** How an old replica goes: it says that it may be stopped, and the balancer says that it holds no request. */

import { OperatorError } from '../cli/errors.mts'
import { capital, count, say, warn } from '../cli/say.mts'
import { Overdue } from '../cli/wait.mts'
import type { Place } from '../edge/balancer.mts'
import type { Context } from './context.mts'
import { readFleet, whoServes } from './fleet.mts'
import { prepareToStop } from './handshake.mts'
import { namesOf, type Replica, removeReplicas } from './replica.mts'
import type { Stages } from './stages.mts'

/** The rollout stops where it is. What runs goes on running, and nothing is undone. */
export class Halt extends OperatorError {
  /** @param stuck replicas that did not say Ready, within so many seconds */
  constructor(
    readonly stuck: Replica[],
    seconds: number,
  ) {
    const what = `${namesOf(stuck)} did not say Ready within ${seconds} s`
    super(`${what}: the rollout stops here (on_drain_timeout: abort)`)
  }
}

/** The old replicas of a rollout. They go while the loop goes on. */
export class Retirement {
  readonly #recall = new AbortController()
  readonly #underWay: Promise<void>[] = []
  #failure: Error | undefined

  constructor(
    private readonly context: Context,
    private readonly stages: Stages,
  ) {}

  /** Begins to retire replicas, and returns at once. `check` throws what goes wrong. */
  begin(old: readonly Replica[]): void {
    if (old.length === 0) return
    // Kept for `check`: a rejected promise that nobody awaits would end the process.
    const noted = this.#retire(old).catch((error) => {
      this.#failure ??= error
    })
    this.#underWay.push(noted)
  }

  /** Waits until each retirement has ended, with or without an error. */
  async finished(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  /** @throws Halt, or the first other error of a retirement */
  check(): void {
    if (this.#failure) throw this.#failure
  }

  /** Stops no more replicas. Returns those that can get requests again. */
  recall(): Replica[] {
    this.#recall.abort()
    const back = this.stages.at('draining')
    this.stages.set(back, 'serving')
    return back
  }

  /** Asks replicas to prepare. Each is stopped and removed as soon as it may be. */
  async #retire(old: readonly Replica[]): Promise<void> {
    const { host, stack } = this.context
    const running = old.filter((one) => one.running)
    const stopped = old.filter((one) => !one.running)
    this.stages.set(running, 'draining')
    const prepared = prepareToStop(host, stack, running, this.#recall.signal)
    const ends = await Promise.allSettled([
      ...running.map((one, index) => this.#stop(one, prepared[index] as Promise<boolean>)),
      this.#remove(stopped, 'did not run: removed'),
    ])
    // Replicas that were called back have not failed.
    if (this.#recall.signal.aborted) return
    const errors = ends.map((end) => (end.status === 'rejected' ? end.reason : undefined))
    const stuck = running.filter((_, index) => errors[index] instanceof Overdue)
    if (stuck.length > 0) throw new Halt(stuck, stack.rollout.drain_timeout)
    const error = errors.find(Boolean)
    if (error) throw error
  }

  async #stop(one: Replica, prepared: Promise<boolean>): Promise<void> {
    const { proof } = this.context
    const drained = () =>
      prepared.then(
        (ready) => (ready ? 'drained' : 'had nothing to drain'),
        (error) => this.#overdue(one, error),
      )
    await proof.step('drain', one.name, drained, { said: (how) => how })
    await proof.step('finish', one.name, () => this.#untilFree(one))
    if (!this.#recall.signal.aborted) await this.#remove([one])
  }

  async #remove(replicas: Replica[], said?: string): Promise<void> {
    if (replicas.length === 0) return
    const { host, stack, proof } = this.context
    this.stages.set(replicas, 'gone')
    const remove = () => removeReplicas(host, stack, replicas)
    await proof.step('stop', namesOf(replicas), remove, said ? { said: () => said } : {})
  }

  async #overdue({ name }: Replica, error: Error): Promise<string> {
    const { host, stack } = this.context
    const { drain_timeout, on_drain_timeout } = stack.rollout
    if (!(error instanceof Overdue) || on_drain_timeout === 'abort') throw error
    const who = capital(whoServes(await readFleet(host, stack)))
    const late = `${name} did not say Ready within ${drain_timeout} s`
    warn(`${late}: it is stopped anyway (on_drain_timeout: stop). ${who}.`)
    return 'not drained'
  }

  /** Waits until the balancer counts no request on it. If this takes long, says what it waits for. */
  async #untilFree({ name, address }: Replica): Promise<void> {
    const { pool, proof, stack } = this.context
    const { balancer_timeout } = stack.rollout
    const busy = (places: readonly Place[]) => places.find((place) => place.address === address)?.busy ?? 0
    const held = (places: readonly Place[]) =>
      busy(places) > 0 ? `${name} holds ${count(busy(places), 'request')}` : ''
    const patience = setTimeout(() => {
      const seen = held(pool.places)
      if (seen) say(`  ${seen}: waiting ${balancer_timeout} s at most for the end (rollout.balancer_timeout)`)
    }, TELL_AFTER)
    await pool
      .until(`${name} free of requests`, balancer_timeout, held)
      .catch((error) => {
        if (!(error instanceof Overdue)) throw error
        proof.cut += busy(pool.places)
        warn(`${held(pool.places)} after ${balancer_timeout} s: cut off (rollout.balancer_timeout).`)
      })
      .finally(() => clearTimeout(patience))
  }
}

/** Milliseconds after which the output says which replica still holds requests. */
const TELL_AFTER = 3000
