/** The steps of a rollout. Their order is that of the loop in compose/release.mts; each function says what its step takes care of. */

import { OperatorError } from '../cli/errors.mts'
import { count, warn } from '../cli/say.mts'
import * as balancer from '../edge/balancer.mts'
import { giveRequests, rehearse, untilJudged } from './admission.mts'
import type { Context } from './context.mts'
import { type Fleet, fleetOf, readFleet, whoServes } from './fleet.mts'
import { untilReady } from './handshake.mts'
import { type Batch, isDone, type Plan, plan } from './plan.mts'
import { addressesOf, namesOf, type Replica, startReplicas } from './replica.mts'
import { Retirement } from './retirement.mts'
import { Stages } from './stages.mts'
import type { Target } from './target.mts'

/** How often there is a new plan because somebody removes replicas during the rollout. */
const ROUNDS = 3
/** After this many requests it shows whether fresh replicas with a full share are good. */
const SHOWN = 4

export class Rollout {
  readonly stages = new Stages()
  readonly retirement: Retirement
  /** Stops keeping replicas without requests out of the balancer. */
  readonly letGo: () => void
  /** Number of replicas that got requests when the rollout began. */
  readonly servedAtFirst: number
  /** The last start. It goes on when nobody waits for it any more. */
  starting: Promise<Replica[]> | undefined
  #plan: Plan

  /** @param current whether a replica is as wanted */
  constructor(
    readonly context: Context,
    private readonly target: Target,
    private readonly current: (replica: Replica) => boolean,
    fleet: Fleet,
  ) {
    this.retirement = new Retirement(context, this.stages)
    this.servedAtFirst = fleet.serving.length
    this.#plan = this.#planFor(fleet)
    this.letGo = context.pool.follow((places) => this.#keepOut(places).catch(() => {}))
    context.proof.whoServes = () =>
      whoServes(fleetOf(this.stages.at('left', 'warming', 'serving', 'draining'), context.pool.places))
  }

  /** The batches of the plan, one after the other, until all is as wanted. */
  async *batches(): AsyncGenerator<Batch> {
    const { order } = this.context.stack.rollout
    for (let round = 1; ; round++) {
      await this.#finishInterrupted()
      for (const batch of this.#plan.batches) {
        await this.#observe()
        yield order === 'stop-first' ? await this.#stopFirst(batch) : batch
      }
      await this.#untilRetired()
      if (await this.#isDone(round)) return
    }
  }

  /** Starts fresh replicas beside the old ones. */
  async start(number: number): Promise<Replica[]> {
    this.#check()
    if (number === 0) return []
    const { context, target } = this
    const { host, stack, proof, abort } = context
    return await proof.step('start', `${count(number, 'replica')} of ${target.release}`, async () => {
      this.starting = startReplicas(host, stack, target, number)
      const fresh = await abort.waitFor(this.starting)
      this.stages.set(fresh, 'warming')
      return fresh
    })
  }

  /** Waits until the balancer says that they are up: it asks each for /status, and expects 200 and OK. @throws NotReady */
  async untilReady(fresh: Replica[]): Promise<void> {
    if (fresh.length === 0) return
    const { host, stack, pool, proof, abort } = this.context
    // They have been warming up since they were started.
    const earlier = Math.min(...fresh.map(({ age }) => age))
    const ready = () => abort.waitFor(untilReady(host, stack, pool, fresh))
    await proof.step('ready', namesOf(fresh), ready, { earlier })
  }

  /** Lets them answer the probe's page, then gives them requests. @throws NotReady, RequestsFail */
  async admit(fresh: Replica[]): Promise<void> {
    this.#check()
    if (fresh.length === 0) return
    const { host, stack } = this.context
    await balancer.introduce(host, stack, this.stages.at('warming', 'serving', 'draining'))
    const [old] = this.stages.at('serving')
    const careful = stack.rollout.abort_on_errors && old !== undefined
    if (careful) await rehearse(this.context, fresh, old)
    // Before the balancer is told: if the rollout is interrupted now, they may have requests.
    this.stages.set(fresh, 'serving')
    await giveRequests(this.context, fresh, careful)
  }

  /** Sends them no new request. Requests under way go on. */
  async drain(old: Replica[]): Promise<void> {
    this.#check()
    const running = old.filter(({ address }) => address)
    if (running.length === 0) return
    const { host, stack, proof } = this.context
    const out = () => balancer.share(host, stack, addressesOf(running), 0)
    await proof.step('swap', `${namesOf(old)} out`, out)
    this.stages.set(running, 'draining')
  }

  /**
   * Asks them to prepare, waits until each says Ready and holds no request, stops and removes it. Returns at once: this
   * goes on while the next batch starts.
   */
  retire(old: Replica[]): void {
    this.retirement.begin(old)
  }

  /** Puts fresh replicas of an interrupted rollout to use, and retires its old ones. */
  async #finishInterrupted(): Promise<void> {
    const { adopt, leftovers } = this.#plan
    this.retirement.begin(leftovers)
    await this.untilReady(adopt)
    await this.admit(adopt)
  }

  /** Waits until requests have shown what the fresh replicas are like. If requests fail, no more are started. */
  async #observe(): Promise<void> {
    const { abort_on_errors, canary } = this.context.stack.rollout
    if (!abort_on_errors || this.stages.admitted.length === 0) return
    await untilJudged(this.context, SHOWN, Math.max(1, canary.seconds))
    this.#check()
  }

  /** Retires the old replicas before the fresh ones start. Returns what is left of the batch. */
  async #stopFirst(batch: Batch): Promise<Batch> {
    await this.#untilRetired()
    const { old, fresh } = batch
    const serving = this.stages.at('serving').length
    // If fewer serve than wanted, there is room for one more.
    if (old.length === 0 || serving + fresh <= this.context.stack.app.replicas) return batch
    if (old.length === serving)
      warn('stop-first with no other replica up: the site is down until the fresh one is ready.')
    await this.drain(old)
    this.retirement.begin(old)
    await this.#untilRetired()
    return { fresh, old: [] }
  }

  async #untilRetired(): Promise<void> {
    await this.context.abort.waitFor(this.retirement.finished())
    this.#check()
  }

  /** Looks whether all is as wanted. If somebody removed or stopped replicas, there is a new plan. */
  async #isDone(round: number): Promise<boolean> {
    const { host, stack } = this.context
    this.#plan = this.#planFor(await readFleet(host, stack))
    if (isDone(this.#plan)) return true
    const what = `Somebody else removes or stops replicas of ${this.target.release}`
    if (round >= ROUNDS) throw new OperatorError(what)
    warn(`${what}: the rollout starts others.`)
    return false
  }

  #planFor(fleet: Fleet): Plan {
    const made = plan(this.context.stack, fleet, this.current)
    this.stages.read(fleet, made.adopt)
    return made
  }

  /** A balancer that was restarted has forgotten which replicas get no requests. */
  async #keepOut(places: readonly balancer.Place[]): Promise<void> {
    const out = addressesOf(this.stages.at('warming', 'draining'))
    const forgotten = places.filter(({ address, weight }) => out.includes(address) && weight > 0)
    await balancer.share(this.context.host, this.context.stack, addressesOf(forgotten), 0)
  }

  /** @throws Halt or RequestsFail, among others */
  #check(): void {
    this.retirement.check()
    this.context.abort.check()
  }
}
