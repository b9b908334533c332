/** How an old replica goes: it says itself when it may be stopped, and nginx when it holds no request to it any more. */
import { unfinished } from './balancer.mts'
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import { drains } from './handshake.mts'
import type { Host } from './host.mts'
import type { Proof } from './proof.mts'
import { namesOf, type Replica, removeReplicas } from './replica.mts'
import { capital, count, warn } from './say.mts'
import { look, whoServes } from './scene.mts'
import { Overdue, waitUntil } from './wait.mts'

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

/** Old replicas that go together: out of the load balancer by the same reload. */
export class Retirement {
  #free: Promise<void> | undefined
  readonly #recall = new AbortController()
  /** Those that are being stopped, or are gone. */
  readonly #stopped = new Set<Replica>()

  /** @param oldWorkers nginx's processes from before the reload */
  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly old: Replica[],
    private readonly oldWorkers: string[],
  ) {}

  /** Stops no more of them, from now on; returns those that can have requests again. */
  recall(): Replica[] {
    this.#recall.abort()
    return this.old.filter((one) => !this.#stopped.has(one))
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
    await proof.step('release', one.name, () => this.#untilFree())
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
    const who = whoServes(await look(this.host, this.stack))
    warn(`${late}: stopped all the same (on_drain_timeout: stop). ${capital(who)}.`)
    return 'not drained'
  }

  /** Waits until nginx's old workers are gone, once for all. */
  #untilFree(): Promise<void> {
    const { host, oldWorkers, stack } = this
    this.#free ??= waitUntil(
      `${namesOf(this.old)} free of requests`,
      stack.rollout.balancer_timeout,
      async () => {
        const left = await unfinished(host, oldWorkers)
        return left.length > 0 ? `${count(left.length, 'old nginx worker')} with open requests` : undefined
      },
    ).catch((error) => {
      if (!(error instanceof Overdue)) throw error
      warn(`${error.message}; stopping anyway.`)
    })
    return this.#free
  }
}
