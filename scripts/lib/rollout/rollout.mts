/** The moves of a rollout. Their order is the loop's, in redeploy.mts; here is what each of them takes care of. */

import { OperatorError } from '../cli/errors.mts'
import { count, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import * as balancer from '../edge/balancer.mts'
import type { Host } from '../host/host.mts'
import type { Proof } from '../proof/proof.mts'
import { Admission, answered } from './admission.mts'
import { type Fleet, readFleet } from './fleet.mts'
import { untilReady } from './handshake.mts'
import { type Batch, isDone, type Plan, plan } from './plan.mts'
import * as replica from './replica.mts'
import { addressesOf, namesOf, type Replica } from './replica.mts'
import { Retirement } from './retirement.mts'
import type { Target } from './target.mts'

/** How often others are made for replicas that somebody removes meanwhile. */
const ROUNDS = 3
/** So many requests show what fresh replicas are like that have their full share. */
const SHOWN = 4

export class Rollout {
  /** What it takes to get from the fleet to the target. */
  plan: Plan
  #round = 1
  /** The last start, also when nobody waits for it any more. */
  #starting: Promise<Replica[]> | undefined
  /** Those that are to get ready. */
  waiting: readonly Replica[] = []
  #serving: Replica[]
  /** Those that this rollout has given requests. */
  readonly fresh: Replica[] = []
  readonly #retirements: Retirement[] = []
  readonly #retiring: Promise<void>[] = []
  #failure: Error | undefined
  /** How many replicas had requests when it began. */
  readonly servedBefore: number
  /** Ids of what was there when it began, without what was of its own target already. */
  readonly before: ReadonlySet<string>

  /** @param current whether a replica is as wanted */
  constructor(
    readonly host: Host,
    readonly stack: StackConfig,
    private readonly proof: Proof,
    private readonly target: Target,
    private readonly current: (replica: Replica) => boolean,
    private fleet: Fleet,
  ) {
    proof.pool.follow((places) => this.#keepOut(places).catch(() => {}))
    this.#serving = fleet.serving
    this.servedBefore = this.#serving.length
    this.plan = plan(stack, fleet, current)
    const { adopt } = this.plan
    this.before = new Set(fleet.found.filter((one) => !adopt.includes(one)).map(({ id }) => id))
  }

  /** Whether anyone has got or lost requests by it, so that there is something to go back from. */
  get begun(): boolean {
    return this.fresh.length + this.#retirements.length > 0
  }

  /** Those that have no new requests any more. */
  get #draining(): Replica[] {
    return this.#retirements.flatMap(({ draining }) => draining)
  }

  /** What an interrupted rollout left: fresh replicas are put to use, old ones that are out already go. */
  async adopt(): Promise<void> {
    const { adopt, leftovers } = this.plan
    this.retire(leftovers)
    await this.untilReady(adopt)
    await this.admit(adopt)
  }

  /** Waits until requests have shown what the fresh ones are like, where any are asked: no more are started if they fail. */
  async observe(): Promise<void> {
    const { abort_on_errors, canary } = this.stack.rollout
    if (!abort_on_errors || this.fresh.length === 0) return
    await answered(this.proof, SHOWN, Math.max(1, canary.seconds))
    this.#check()
  }

  /** Starts fresh replicas beside the old ones. */
  async start(batch: Batch): Promise<Replica[]> {
    this.#check()
    if (batch.fresh === 0) return []
    const { host, stack, target, proof } = this
    return await proof.step('start', `${count(batch.fresh, 'replica')} of ${target.release}`, async () => {
      this.#starting = replica.startReplicas(host, stack, target, batch.fresh)
      return await this.proof.watch.over(this.#starting)
    })
  }

  /** Waits until the balancer finds each of them well. */
  async untilReady(fresh: Replica[]): Promise<void> {
    if (fresh.length === 0) return
    this.waiting = fresh
    const waiting = () => this.proof.watch.over(untilReady(this.host, this.stack, this.proof.pool, fresh))
    // They have been warming up since they were started, the last of them at least so long.
    const earlier = Math.min(...fresh.map(({ age }) => age))
    await this.proof.step('ready', namesOf(fresh), waiting, { earlier })
  }

  /** They prove themselves, and have requests then. */
  async admit(fresh: Replica[]): Promise<void> {
    this.#check()
    if (fresh.length === 0) return
    const { host, stack, proof } = this
    await balancer.introduce(host, stack, [...this.#serving, ...this.#draining, ...fresh])
    const admission = new Admission(host, stack, proof, fresh, this.#serving)
    await admission.prove()
    // Before it is done: wherever it is cut off, they may have requests.
    this.fresh.push(...fresh)
    await admission.enter()
    this.#serving = [...this.#serving, ...fresh]
  }

  /** They get no new request; those under way go on. */
  async drain(out: Replica[]): Promise<void> {
    this.#check()
    const at = addressesOf(out)
    if (at.length === 0) return
    await this.proof.step('swap', `${namesOf(out)} out`, () => balancer.share(this.host, this.stack, at, 0))
    this.#serving = this.#serving.filter(({ address }) => !at.includes(address))
  }

  /** For stop-first: out, drained and gone before a fresh one starts; returns who is left to go then: nobody. */
  async takeOut({ old, fresh }: Batch): Promise<Replica[]> {
    await this.retired()
    // Where fewer serve than there shall be, there is room for one more.
    if (old.length === 0 || this.#serving.length + fresh <= this.stack.app.replicas) return old
    if (old.length === this.#serving.length)
      warn('stop-first with no other replica up: the site is down until the fresh one is ready.')
    await this.drain(old)
    this.retire(old)
    await this.retired()
    return []
  }

  /** Drains, then stops and removes; goes on while the loop does. */
  retire(old: Replica[]): void {
    if (old.length === 0) return
    const retirement = new Retirement(this.host, this.stack, this.proof, old)
    this.#retirements.push(retirement)
    // Noted here and thrown by the next check: a promise that nobody waits for yet must not end the process.
    const noted = retirement.run().catch((error) => {
      this.#failure ??= error
    })
    this.#retiring.push(noted)
  }

  /** Waits for everything that is being retired. */
  async retired(): Promise<void> {
    await this.proof.watch.over(this.finished())
    this.#check()
  }

  /** The same, however it ended. */
  async finished(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  /** Looks whether all is as wanted now. If not, somebody removed or stopped a replica meanwhile: there is a new plan. */
  async isDone(): Promise<boolean> {
    this.fleet = await readFleet(this.host, this.stack)
    this.#serving = this.fleet.serving
    this.plan = plan(this.stack, this.fleet, this.current)
    if (isDone(this.plan)) return true
    const what = `Replicas of ${this.target.release} are removed or stopped by somebody else`
    if (this.#round++ >= ROUNDS) throw new OperatorError(what)
    warn(`${what}: others are made.`)
    return false
  }

  /**
   * Requests fail on the fresh replicas: those of before that are not stopped yet have them again at once, and the fresh
   * ones no more where anyone else is left. Returns the ones put back; they were asked to prepare and have to go later.
   */
  async recall(): Promise<Replica[]> {
    const back = this.#retirements.flatMap((retirement) => retirement.recall())
    const others = this.#serving.filter(({ id }) => !this.fresh.some((one) => one.id === id))
    if (back.length + others.length === 0) return []
    const { host, stack, proof } = this
    const sides = [back.length > 0 && `${namesOf(back)} in`, `${namesOf(this.fresh)} out`].filter(Boolean)
    await proof.step('swap', sides.join(', '), async () => {
      await balancer.share(host, stack, addressesOf(back), 100)
      await balancer.share(host, stack, addressesOf(this.fresh), 0)
    })
    this.#serving = [...others, ...back]
    return back
  }

  /** Removes fresh replicas that never got a request. */
  async discard(): Promise<void> {
    await Promise.allSettled([this.#starting])
    const given = new Set(this.fresh.map(({ id }) => id))
    const found = await replica.replicas(this.host, this.stack)
    const unserved = found.filter(({ id }) => !this.before.has(id) && !given.has(id))
    this.waiting = [] // their addresses may be others' soon
    await replica.removeReplicas(this.host, this.stack, unserved)
  }

  /** A balancer that was restarted has forgotten who drains, and who has not been admitted yet. */
  async #keepOut(places: readonly balancer.Place[]): Promise<void> {
    const out = addressesOf([...this.#draining, ...this.waiting.filter((one) => !this.fresh.includes(one))])
    const forgotten = places.filter(({ address, weight }) => out.includes(address) && weight > 0)
    await balancer.share(this.host, this.stack, addressesOf(forgotten), 0)
  }

  /** @throws what a retirement failed with, or what the probe sees fail that did not fail before */
  #check(): void {
    if (this.#failure) throw this.#failure
    this.proof.watch.check()
  }
}
