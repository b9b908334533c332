/** How an old replica goes: it says itself when it may be stopped, and the balancer when it holds no request any more. */

import { OperatorError } from '../cli/errors.mts'
import { capital, count, say, warn } from '../cli/say.mts'
import { Overdue } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import type { Place } from '../edge/balancer.mts'
import type { Host } from '../host/host.mts'
import type { Proof } from '../proof/proof.mts'
import { readFleet, whoServes } from './fleet.mts'
import { drains } from './handshake.mts'
import { namesOf, type Replica, removeReplicas } from './replica.mts'

/** The rollout stops where it is, and what runs keeps running: there is nothing to go back from. */
export class Halt extends OperatorError {
  /** @param stuck those that did not say Ready */
  constructor(
    stack: StackConfig,
    readonly stuck: Replica[],
  ) {
    super(
      `${namesOf(stuck)} did not say Ready within ${stack.rollout.drain_timeout} s: the rollout stops there (on_drain_timeout: abort)`,
    )
  }
}

/** Old replicas that go together. */
export class Retirement {
  readonly #recall = new AbortController()
  /** Those that are being stopped, or are gone. */
  readonly #stopped = new Set<Replica>()

  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly old: Replica[],
  ) {}

  /** Those that run without new requests. An address is somebody else's as soon as a replica is stopped. */
  get draining(): Replica[] {
    return this.#recall.signal.aborted ? [] : this.old.filter((one) => one.running && !this.#stopped.has(one))
  }

  /** Stops no more of them, from now on; returns those that can have requests again. */
  recall(): Replica[] {
    const back = this.draining
    this.#recall.abort()
    return back
  }

  /** Asks them to prepare; each is stopped and removed as soon as it may be. @throws Halt */
  async run(): Promise<void> {
    const running = this.old.filter((one) => one.running)
    const drained = drains(this.host, this.stack, running, this.#recall.signal)
    const ends = await Promise.allSettled([
      ...running.map((one, index) => this.#end(one, drained[index] as Promise<boolean>)),
      this.#remove(this.old.filter((one) => !one.running)),
    ])
    // Those that were called back have not failed.
    if (this.#recall.signal.aborted) return
    const reasons = ends.map((end) => (end.status === 'rejected' ? end.reason : undefined))
    const stuck = running.filter((_, index) => reasons[index] instanceof Overdue)
    if (stuck.length > 0) throw new Halt(this.stack, stuck)
    const failure = reasons.find(Boolean)
    if (failure) throw failure
  }

  async #end(one: Replica, drained: Promise<boolean>): Promise<void> {
    const { host, stack, proof } = this
    const drains = () =>
      drained.then(
        (ready) => (ready ? 'drained' : 'had nothing to drain'),
        (error) => this.#overdue(one, error),
      )
    await proof.step('drain', one.name, drains, { said: (how) => how })
    await proof.step('release', one.name, () => this.#untilFree(one))
    if (this.#recall.signal.aborted) return
    this.#stopped.add(one)
    await proof.step('stop', one.name, () => removeReplicas(host, stack, [one]))
  }

  /** What does not run has nothing to be waited for. */
  async #remove(gone: Replica[]): Promise<void> {
    if (gone.length === 0) return
    for (const one of gone) this.#stopped.add(one)
    const { host, stack, proof } = this
    await proof.step('stop', namesOf(gone), () => removeReplicas(host, stack, gone), {
      said: () => 'did not run: removed',
    })
  }

  async #overdue(one: Replica, error: Error): Promise<string> {
    const { drain_timeout, on_drain_timeout } = this.stack.rollout
    if (!(error instanceof Overdue) || on_drain_timeout === 'abort') throw error
    const late = `${one.name} did not say Ready within ${drain_timeout} s`
    const who = whoServes(await readFleet(this.host, this.stack))
    warn(`${late}: stopped all the same (on_drain_timeout: stop). ${capital(who)}.`)
    return 'not drained'
  }

  /** Waits until the balancer counts no request on it; says so when that takes a while. */
  async #untilFree({ name, address }: Replica): Promise<void> {
    const { stack, proof } = this
    const { balancer_timeout } = stack.rollout
    const busy = (places: readonly Place[]) => places.find((place) => place.address === address)?.busy ?? 0
    const held = (places: readonly Place[]) =>
      busy(places) > 0 ? `${name} holds ${count(busy(places), 'request')}` : ''
    const patience = setTimeout(() => {
      const seen = held(proof.pool.places)
      if (seen)
        say(
          `  ${seen}: waiting for the end of that, ${balancer_timeout} s at most (rollout.balancer_timeout)`,
        )
    }, TELL_AFTER)
    await proof.pool
      .until(`${name} free of requests`, balancer_timeout, held)
      .catch((error) => {
        if (!(error instanceof Overdue)) throw error
        proof.cut += busy(proof.pool.places)
        warn(`${held(proof.pool.places)} after ${balancer_timeout} s: cut off (rollout.balancer_timeout).`)
      })
      .finally(() => clearTimeout(patience))
  }
}

/** Milliseconds after which it is said for whom one waits. */
const TELL_AFTER = 3000
