/** The moves of a rollout. Their order is the loop's, in redeploy.mts; here is what each of them takes care of. */
import { send, serving, unfinished, validate } from './balancer.mts'
import type { StackConfig } from './config.mts'
import { indent, OperatorError } from './errors.mts'
import * as handshake from './handshake.mts'
import type { Host } from './host.mts'
import { type Plan, plan } from './plan.mts'
import type { Proof } from './proof.mts'
import * as replica from './replica.mts'
import { namesOf, type Replica } from './replica.mts'
import { count, warn } from './say.mts'
import { Overdue, waitUntil } from './wait.mts'

/** The rollout stops where it is, and what runs keeps running: there is nothing to go back from. */
export class Halt extends OperatorError {}

/** What shall run. */
export interface Target {
  release: string
  /** Digest of the service's definition (wantedConfig). */
  config: string
}

/** What is there before a rollout. */
export interface Scene {
  found: Replica[]
  /** Those that requests are sent to. */
  served: Replica[]
  /** Whether the load balancer had another configuration. */
  changed: boolean
  /** Processes of nginx that an earlier rollout left finishing. */
  oldWorkers: string[]
}

/** Looks at what is there, and ends what an interrupted rollout left half done at the load balancer. */
export async function look(host: Host, stack: StackConfig): Promise<Scene> {
  const [found, named] = await Promise.all([replica.replicas(host, stack), serving(host, stack)])
  const served = found.filter(({ name }) => named.includes(name))
  // Killed between writing the list and the reload, it left nginx with another one: first nginx gets this one.
  const swap = named.length > 0 ? await send(host, stack, served) : { changed: false, oldWorkers: [] }
  return { found, served, ...swap }
}

export class Rollout {
  #retiring: Promise<void>[] = []
  #failure: Error | undefined
  /** Started by this rollout or found from an interrupted one, and not sent requests yet. */
  #waiting: Replica[]
  /** Whether a replica of before is out, so that going back means replacing. */
  replaced = false
  /** Processes of nginx that an earlier rollout left finishing. */
  readonly oldWorkers: string[]

  readonly plan: Plan
  private serving: Replica[]

  /**
   * What it takes to get from what is there to the configured number of replicas of the release.
   * @param current whether a replica is as wanted
   */
  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly target: Target,
    scene: Scene,
    current: (one: Replica) => boolean,
  ) {
    this.plan = plan(
      stack,
      scene.found,
      scene.served.map(({ name }) => name),
      current,
    )
    this.serving = scene.served
    this.oldWorkers = scene.oldWorkers
    this.#waiting = [...this.plan.adopt]
  }

  get release(): string {
    return this.target.release
  }

  /** Whether everything is as wanted already. */
  get nothingToDo(): boolean {
    const { adopt, leftovers, batches } = this.plan
    return adopt.length + leftovers.length + batches.length === 0
  }

  /** The release that ran before, where one did. */
  get before(): string | undefined {
    return this.plan.batches.flatMap(({ old }) => old).find(({ running }) => running)?.release
  }

  /** Starts fresh replicas beside the old ones. */
  async start(number: number): Promise<Replica[]> {
    if (number === 0) return []
    const starting = () => replica.startReplicas(this.host, this.stack, this.target, number)
    const fresh = await this.proof.step('start', `${count(number, 'replica')} of ${this.release}`, starting)
    this.#waiting.push(...fresh)
    return fresh
  }

  /** Waits until each of them answers /status with 200 and OK. */
  async untilReady(fresh: Replica[]): Promise<void> {
    if (fresh.length === 0) return
    const waiting = () => handshake.untilReady(this.host, this.stack, fresh)
    // They have been warming up since they were started, the last of them at least so long.
    await this.proof.step('ready', namesOf(fresh), waiting, Math.min(...fresh.map(({ age }) => age)))
  }

  /** Has nginx judge the list to come while the application warms up; what it finds wrong, swap will say. */
  rehearse(into: Replica[], out: Replica[]): void {
    validate(this.host, this.stack, this.#after(into, out)).catch(() => {})
  }

  /** Lets `into` have requests and `out` no more, in one reload; returns nginx's workers from before. */
  async swap(into: Replica[], out: Replica[]): Promise<string[]> {
    this.check()
    if (into.length + out.length === 0) return []
    this.serving = this.#after(into, out)
    const sides = [into.length > 0 && `${namesOf(into)} in`, out.length > 0 && `${namesOf(out)} out`]
    const sending = () => send(this.host, this.stack, this.serving)
    const { oldWorkers } = await this.proof.step('swap', sides.filter(Boolean).join(', '), sending)
    this.#waiting = this.#waiting.filter((one) => !into.includes(one))
    this.replaced ||= out.length > 0
    this.proof.freshServes()
    return oldWorkers
  }

  /** For stop-first: out, drained and gone before a fresh one starts; returns who is left to go then: nobody. */
  async takeOut(old: Replica[]): Promise<Replica[]> {
    if (old.length === 0) return []
    if (old.length === this.serving.length)
      warn('stop-first with no other replica up: the site is down until the fresh one is ready.')
    await this.#retire(old, await this.swap([], old))
    return []
  }

  /** Drains, then stops and removes; goes on while the loop does. */
  retire(old: Replica[], oldWorkers: string[]): void {
    if (old.length === 0) return
    // Noted here and thrown by the next check: a promise that nobody waits for yet must not end the process.
    const retiring = this.#retire(old, oldWorkers).catch((error) => {
      this.#failure ??= error
    })
    this.#retiring.push(retiring)
  }

  /** Waits for everything that is being retired. */
  async retired(): Promise<void> {
    await this.finished()
    this.check()
  }

  /** The same, however it ended. */
  async finished(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  /** @throws what a retirement failed with, or what the probe sees fail that did not fail before */
  check(): void {
    if (this.#failure) throw this.#failure
    if (this.stack.rollout.abort_on_errors) this.proof.check()
  }

  /** Removes fresh replicas that never got a request; returns their last words. */
  async discard(): Promise<string> {
    const broken = this.#waiting
    this.#waiting = []
    const words = await Promise.all(
      broken.map(async (one) => `${one.name}:\n${indent(await replica.lastWords(this.host, one))}`),
    )
    await replica.removeReplicas(this.host, this.stack, broken)
    return words.join('\n')
  }

  #after(into: Replica[], out: Replica[]): Replica[] {
    return [...this.serving.filter((one) => !out.includes(one)), ...into]
  }

  async #retire(old: Replica[], oldWorkers: string[]): Promise<void> {
    const { host, stack, proof } = this
    const names = namesOf(old)
    await proof.step('drain', names, async () => {
      await handshake.askToPrepare(host, old)
      await handshake.untilDrained(host, stack, old).catch((error) => this.#drainTimeout(old, error))
    })
    await proof.step('release', names, () =>
      waitUntil(`${names} free of requests`, stack.rollout.balancer_timeout, async () => {
        const left = await unfinished(host, oldWorkers)
        return left.length > 0 ? `${count(left.length, 'old nginx worker')} with open requests` : undefined
      }).catch((error) => {
        if (!(error instanceof Overdue)) throw error
        warn(`${error.message}; stopping anyway.`)
      }),
    )
    await proof.step('stop', names, () => replica.removeReplicas(host, stack, old))
  }

  #drainTimeout(old: Replica[], error: Error): void {
    if (!(error instanceof Overdue)) throw error
    const { drain_timeout, on_drain_timeout } = this.stack.rollout
    const what = `${namesOf(old)} did not say Ready within ${drain_timeout} s`
    if (on_drain_timeout === 'abort')
      throw new Halt(
        `${what}: the rollout stops there (on_drain_timeout: abort)`,
        'Find out what it waits for (docker logs), then npm run redeploy: it finishes the rollout.',
        `${namesOf(this.serving)} serve; ${namesOf(old)} runs on without requests.`,
      )
    warn(`${what}: stopped all the same (on_drain_timeout: stop).`)
  }
}
