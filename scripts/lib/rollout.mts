/** The moves of a rollout. Their order is the loop's, in redeploy.mts; here is what each of them takes care of. */
import { type Swap, send, validate } from './balancer.mts'
import type { StackConfig } from './config.mts'
import type { Target } from './definition.mts'
import * as handshake from './handshake.mts'
import type { Host } from './host.mts'
import type { Batch, Plan } from './plan.mts'
import type { Proof } from './proof.mts'
import * as replica from './replica.mts'
import { namesOf, type Replica } from './replica.mts'
import { Retirement } from './retirement.mts'
import { count, warn } from './say.mts'
import { refresh, type Scene, served } from './scene.mts'

export class Rollout {
  #refreshed: Promise<Swap> | undefined
  /** Containers of each turn of the loop. */
  readonly #made = new Map<Batch, Promise<Replica[]>>()
  /** Fresh ones that were sent no request yet. */
  #waiting: Replica[]
  #serving: Replica[]
  /** Those that this rollout has given requests. */
  readonly #fresh: Replica[] = []
  readonly #retirements: Retirement[] = []
  readonly #retiring: Promise<void>[] = []
  #failure: Error | undefined

  /** @param plan what it takes to get from the scene to the target */
  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly target: Target,
    private readonly scene: Scene,
    readonly plan: Plan,
  ) {
    this.#serving = served(scene)
    this.#waiting = [...plan.adopt]
  }

  /** Whether anyone has got or lost requests by it, so that there is something to go back from. */
  get begun(): boolean {
    return this.#fresh.length + this.#retirements.length > 0
  }

  /** Names of those that requests are sent to. */
  get serving(): string {
    return namesOf(this.#serving) || 'no replica'
  }

  /** Begins what need not wait for the schema: nginx has the configuration of now, the first containers are made. */
  prepare(): void {
    this.#refresh().catch(() => {})
    this.#makeAhead(this.plan.batches[0])
  }

  /** What an interrupted rollout left: fresh replicas are put to use, old ones that are out already go. */
  async adopt(): Promise<void> {
    const { adopt, leftovers } = this.plan
    const { oldWorkers } = await this.#refresh()
    this.retire(leftovers, oldWorkers)
    await this.untilReady(adopt)
    await this.swap(adopt, [])
  }

  /** Starts fresh replicas beside the old ones. */
  async start(batch: Batch): Promise<Replica[]> {
    if (batch.fresh === 0) return []
    const what = `${count(batch.fresh, 'replica')} of ${this.target.release}`
    return await this.proof.step('start', what, async () => {
      this.#waiting = await this.#make(batch)
      this.#waiting = await replica.startReplicas(this.host, this.stack, this.#waiting)
      return this.#waiting
    })
  }

  /** Waits until each of them answers /status with 200 and OK. */
  async untilReady(fresh: Replica[]): Promise<void> {
    if (fresh.length === 0) return
    const waiting = () => this.#watched(handshake.untilReady(this.host, this.stack, fresh))
    // They have been warming up since they were started, the last of them at least so long.
    await this.proof.step('ready', namesOf(fresh), waiting, Math.min(...fresh.map(({ age }) => age)))
  }

  /** While the application warms up: nginx judges the list to come (what is wrong, swap will say), and the next turn's containers are made. */
  lookAhead(batch: Batch, into: Replica[], out: Replica[]): void {
    validate(this.host, this.stack, this.#after(into, out)).catch(() => {})
    const { batches } = this.plan
    this.#makeAhead(batches[batches.indexOf(batch) + 1])
  }

  /** Lets `into` have requests and `out` no more, in one reload; returns nginx's workers from before. */
  async swap(into: Replica[], out: Replica[]): Promise<string[]> {
    this.#check()
    if (into.length + out.length === 0) return []
    const list = this.#after(into, out)
    const sides = [into.length > 0 && `${namesOf(into)} in`, out.length > 0 && `${namesOf(out)} out`]
    const sending = () => send(this.host, this.stack, list)
    // Before it is done: wherever it is cut off, they may have requests.
    this.#waiting = this.#waiting.filter((one) => !into.includes(one))
    this.#fresh.push(...into)
    const { oldWorkers } = await this.proof.step('swap', sides.filter(Boolean).join(', '), sending)
    this.#serving = list
    this.proof.freshServes()
    return oldWorkers
  }

  /** For stop-first: out, drained and gone before a fresh one starts; returns who is left to go then: nobody. */
  async takeOut(old: Replica[]): Promise<Replica[]> {
    if (old.length === 0) return []
    if (old.length === this.#serving.length)
      warn('stop-first with no other replica up: the site is down until the fresh one is ready.')
    this.retire(old, await this.swap([], old))
    await this.retired()
    return []
  }

  /** Drains, then stops and removes; goes on while the loop does. */
  retire(old: Replica[], oldWorkers: string[]): void {
    if (old.length === 0) return
    const { host, stack, proof } = this
    const retirement = new Retirement(host, stack, proof, old, oldWorkers, this.#serving)
    this.#retirements.push(retirement)
    // Noted here and thrown by the next check: a promise that nobody waits for yet must not end the process.
    const noted = retirement.run().catch((error) => {
      this.#failure ??= error
    })
    this.#retiring.push(noted)
  }

  /** Waits for everything that is being retired. */
  async retired(): Promise<void> {
    await this.#watched(this.finished())
    this.#check()
  }

  /** The same, however it ended. */
  async finished(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  /**
   * Requests fail on the fresh replicas: those of before that are not stopped yet have them again at once, and the fresh
   * ones no more where anyone else is left. Returns the ones put back; they were asked to prepare and have to go later.
   */
  async recall(): Promise<Replica[]> {
    const back = this.#retirements.flatMap((retirement) => retirement.recall())
    if (this.#after(back, this.#fresh).length === 0) return []
    await this.swap(back, this.#fresh)
    return back
  }

  /** Removes fresh replicas that never got a request; returns their last words. */
  async discard(): Promise<string> {
    const made = await Promise.allSettled(this.#made.values())
    const all = made.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const given = new Set(this.#fresh.map(({ id }) => id))
    const unserved = [...all, ...this.plan.adopt].filter(({ id }) => !given.has(id))
    const words = await Promise.all(this.#waiting.map((one) => replica.lastWords(this.host, one)))
    await replica.removeReplicas(this.host, this.stack, unserved)
    return words.join('\n')
  }

  #refresh(): Promise<Swap> {
    this.#refreshed ??= refresh(this.host, this.stack, this.scene)
    return this.#refreshed
  }

  /** Makes the containers for a turn of the loop, while there is something else to wait for. */
  #makeAhead(batch: Batch | undefined): void {
    // Who starts them will hear what went wrong.
    if (batch && batch.fresh > 0) this.#make(batch).catch(() => {})
  }

  #make(batch: Batch): Promise<Replica[]> {
    const make = () => replica.createReplicas(this.host, this.stack, this.target, batch.fresh)
    const made = this.#made.get(batch) ?? make()
    this.#made.set(batch, made)
    return made
  }

  #after(into: Replica[], out: Replica[]): Replica[] {
    return [...this.#serving.filter((one) => !out.includes(one)), ...into]
  }

  /** Waits no longer when requests fail that did not fail before. */
  #watched<T>(work: Promise<T>): Promise<T> {
    return this.stack.rollout.abort_on_errors ? this.proof.watched(work) : work
  }

  /** @throws what a retirement failed with, or what the probe sees fail that did not fail before */
  #check(): void {
    if (this.#failure) throw this.#failure
    if (this.stack.rollout.abort_on_errors) this.proof.check()
  }
}
