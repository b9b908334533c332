/** The engine of one host: Docker Compose. The host may still be in the swarm of the time with several. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { list, step } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Board } from '../dashboard/board.mts'
import { type Feed, feed } from '../dashboard/feed.mts'
import type { Engine, Located, Wanted } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import type { Entry } from '../proof/history.mts'
import { planFor } from '../rollout/dryrun.mts'
import { readFleet, sayReplaced } from '../rollout/fleet.mts'
import { replicas, runningTarget, runningTargets } from '../rollout/replica.mts'
import { keptTarget } from '../rollout/target.mts'
import { outliveEngine } from '../server/engine.mts'
import { leaveAtOnce } from '../swarm/dismissal.mts'
import { lookAtNode } from '../swarm/node.mts'
import { formerSwarm, returnToOne } from '../swarm/returning.mts'
import { endReplicas } from '../swarm/service.mts'
import { lookAtSwarm, NoQuorum } from '../swarm/view.mts'
import { judge } from '../verify/sheet.mts'
import type { Seen } from '../verify/verdict.mts'
import { statusOf } from './look.mts'
import { rollOut } from './release.mts'

export class Compose implements Engine {
  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
  ) {}

  get hosts(): Host[] {
    return [this.host]
  }

  setUp = outliveEngine
  planner = () => planFor(this.host, this.stack)
  targets = async () => runningTargets(await replicas(this.host, this.stack))
  rollOut = (_: Host, wanted: Wanted) => rollOut(this.host, this.stack, wanted)
  look = () => statusOf(this.host, this.stack)
  feed = (board: Board): Feed => ({ run: (signal) => feed(this.host, board, signal) })
  judge = async (_: Host, [seen]: readonly [Seen, ...Seen[]], rollout?: Entry) => judge({ ...seen, rollout })

  // There is no other host, and none is out of use.
  unite = async () => {}
  bring = async () => {}
  mirror = async () => []
  share = async () => {}
  requireData = () => {}
  present = async () => this.hosts
  leave = async () => {} // end has done so

  async check(): Promise<void> {
    await formerSwarm(this.host, this.stack).catch((error) => {
      if (!(error instanceof NoQuorum)) throw error // it can go on alone
    })
  }

  async equip(): Promise<Host[]> {
    await returnToOne(this.host, this.stack)
    return this.hosts
  }

  async servingTarget(): Promise<string | undefined> {
    const { host, stack } = this
    // The balancer may be down, and then no replica serves.
    const { found, serving } = await readFleet(host, stack).catch(async () => ({
      found: await replicas(host, stack),
      serving: [],
    }))
    const [replica] = [...serving, ...found.filter(({ running }) => running), ...found]
    return replica?.target
  }

  async replicas(): Promise<Located[]> {
    const { host } = this
    const found = await replicas(host, this.stack)
    return found.map(({ name, id, running }) => ({ name, title: name, host, container: id, running }))
  }

  async replace(_: Host, again: readonly Located[]): Promise<void> {
    const { host, stack } = this
    // Read again: another run may have held the lock until now.
    const present = await replicas(host, stack)
    const target = runningTarget(present) ?? present.at(-1)?.target ?? ''
    sayReplaced(again)
    const stale = new Set(again.map(({ container }) => container))
    await rollOut(host, stack, { target: await keptTarget(host, stack, target) }, ({ id }) => stale.has(id))
  }

  /** For a host that was out of reach when the others went on without it. @throws OperatorError when it is one of several */
  async end(): Promise<void> {
    const { host, stack } = this
    const { id, active, manager, ours } = await lookAtNode(host, [], stack)
    if (!ours) return
    // A host that the others have dropped cannot ask the swarm any more, nor is it active in it.
    const view = manager ? await lookAtSwarm(host, stack).catch(() => undefined) : undefined
    const others = view?.members.filter((one) => one.id !== id && one.up).map(({ name }) => name) ?? []
    if (others.length > 0 || (active && !manager))
      throw new OperatorError(
        `${host.name} serves together with ${list(others) || 'other hosts'}`,
        'List all of them in hosts (config/stack.yaml), then npm run destroy. With the others alone in hosts, npm run deploy removes this one.',
        NOTHING_CHANGED,
      )
    await step('Swarm', async () => {
      if (view) await endReplicas(host, [host], stack)
      await leaveAtOnce(host, stack)
      return 'left'
    })
  }
}
