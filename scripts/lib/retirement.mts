/** How an old replica goes: it says itself when it may be stopped, and nginx when it holds no request to it any more. */
import { unfinished } from './balancer.mts'
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import { drains } from './handshake.mts'
import type { Host } from './host.mts'
import type { Proof } from './proof.mts'
import { namesOf, type Replica, removeReplicas } from './replica.mts'
import { count, warn } from './say.mts'
import { Overdue, waitUntil } from './wait.mts'

/** The rollout stops where it is, and what runs keeps running: there is nothing to go back from. */
export class Halt extends OperatorError {}

/** Old replicas that go together: out of the load balancer by the same reload. */
export class Retirement {
  #free: Promise<void> | undefined
  readonly #recall = new AbortController()
  /** Those that are being stopped, or are gone. */
  readonly #stopped = new Set<Replica>()

  /**
   * @param oldWorkers nginx's processes from before the reload
   * @param serving    those that have the requests now, for messages
   */
  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly old: Replica[],
    private readonly oldWorkers: string[],
    private readonly serving: Replica[],
  ) {}

  /** Stops no more of them, from now on; returns those that can have requests again. */
  recall(): Replica[] {
    this.#recall.abort()
    return this.old.filter((one) => !this.#stopped.has(one))
  }

  /** Asks them to prepare; each is stopped and removed as soon as it may be. @throws Halt */
  async run(): Promise<void> {
    const drained = drains(this.host, this.stack, this.old, this.#recall.signal)
    const ends = await Promise.allSettled(
      this.old.map((one, index) => this.#end(one, drained[index] as Promise<void>)),
    )
    // Those that were called back have not failed.
    if (this.#recall.signal.aborted) return
    const reasons = ends.map((end) => (end.status === 'rejected' ? end.reason : undefined))
    const stuck = this.old.filter((_, index) => reasons[index] instanceof Overdue)
    if (stuck.length > 0) throw this.#halt(stuck)
    const failure = reasons.find(Boolean)
    if (failure) throw failure
  }

  async #end(one: Replica, drained: Promise<void>): Promise<void> {
    const { host, stack, proof } = this
    await proof.step('drain', one.name, () => drained.catch((error) => this.#overdue(one, error)))
    await proof.step('release', one.name, () => this.#untilFree())
    if (this.#recall.signal.aborted) return
    this.#stopped.add(one)
    await proof.step('stop', one.name, () => removeReplicas(host, stack, [one]))
  }

  #overdue(one: Replica, error: Error): void {
    const { drain_timeout, on_drain_timeout } = this.stack.rollout
    if (!(error instanceof Overdue) || on_drain_timeout === 'abort') throw error
    const late = `${one.name} did not say Ready within ${drain_timeout} s`
    warn(`${late}: stopped all the same (on_drain_timeout: stop). Requests go to ${namesOf(this.serving)}.`)
  }

  #halt(stuck: Replica[]): Halt {
    return new Halt(
      `${namesOf(stuck)} did not say Ready within ${this.stack.rollout.drain_timeout} s: the rollout stops there (on_drain_timeout: abort)`,
      'Find out what it waits for (docker logs), then npm run redeploy: it finishes the rollout.',
      `requests go to ${namesOf(this.serving)}; ${namesOf(stuck)} runs on without any.`,
    )
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
