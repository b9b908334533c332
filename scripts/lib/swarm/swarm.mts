/** The engine of several hosts: Docker Swarm for the replicas, Docker Compose on each host for everything else. */
import { list, step, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Board } from '../dashboard/board.mts'
import { noteAddress } from '../edge/nginx.mts'
import type { Engine, Located, Wanted } from '../engine/engine.mts'
import { onEach } from '../host/each.mts'
import type { Host } from '../host/host.mts'
import type { Quorum } from '../host/quorum.mts'
import { bash } from '../host/shell.mts'
import { ownName } from '../images/base.mts'
import type { BaseImages } from '../images/images.mts'
import { imageOf } from '../images/release.mts'
import type { Entry } from '../proof/history.mts'
import { sayReplaced } from '../rollout/fleet.mts'
import { keptTarget } from '../rollout/target.mts'
import type { Seen } from '../verify/verdict.mts'
import { attach, ensureAttaching, removeAttaching } from './attach.mts'
import { catchUp } from './catching-up.mts'
import { requireData } from './choosing.mts'
import { HostsFeed } from './dashboard.mts'
import { leaveAtOnce, leftOn } from './dismissal.mts'
import { distribute, noteImages } from './distribute.mts'
import { planOn } from './dryrun.mts'
import { joinAll, requireOne } from './joining.mts'
import { mirror } from './mirror.mts'
import { makeNetworks, networksOf } from './networks.mts'
import { managersOf } from './node.mts'
import { rollOutOnSwarm } from './release.mts'
import { located, replace } from './replicas.mts'
import { statusOf } from './screen.mts'
import { endReplicas, otherServices } from './service.mts'
import { judgeHosts } from './sheet.mts'
import { dismissUnlisted } from './unlisted.mts'
import { absence, lookAtSwarm, targetsOnSwarm } from './view.mts'

export class Swarm implements Engine {
  constructor(
    /** The first one holds the data. */
    readonly hosts: readonly Host[],
    private readonly stack: StackConfig,
  ) {}

  /** The managers hold the lock together. Whoever takes it learns what was done while its host was away. */
  get quorum(): Quorum {
    const managers = this.hosts.slice(0, managersOf(this.hosts.length))
    return { hosts: managers, taken: (host, there) => catchUp(host, there, this.stack) }
  }

  /** The host of database and Redis. */
  get first(): Host {
    return this.hosts[0] as Host
  }

  check = () => requireOne(this.hosts, this.stack)
  setUp = async () => [] // Docker Swarm excludes live-restore
  requireData = (host: Host, what: string) => requireData(this.hosts, host, what)
  planner = (manager: Host) => planOn(this, manager, this.stack)
  targets = (manager: Host) => targetsOnSwarm(manager, this.stack)
  servingTarget = async (manager: Host) => (await this.targets(manager))[0] // during a rollout, the earlier one
  replicas = (manager: Host) => located(manager, this.stack, this.hosts)
  rollOut = (manager: Host, wanted: Wanted) => rollOutOnSwarm(this, manager, this.stack, wanted)
  look = (manager: Host) => statusOf(this, manager, this.stack)
  feed = (board: Board) => new HostsFeed(this, board)
  judge = async (manager: Host, seen: readonly Seen[], rollout?: Entry) =>
    judgeHosts(seen, await lookAtSwarm(manager, this.stack), rollout)

  async unite(): Promise<void> {
    const { hosts, stack } = this
    await step('Swarm', async () => {
      const done = [...(await joinAll(hosts, stack)), ...(await makeNetworks(hosts, stack))]
      await onEach(hosts, (host) => attach(host, stack))
      return list(done) || `of ${list(hosts.map(({ name }) => name))}: nothing to do`
    })
  }

  /** The hosts that Swarm sees up, drained ones, too. @param manager a host of the swarm */
  async up(manager: Host): Promise<Host[]> {
    const { members } = await lookAtSwarm(manager, this.stack)
    return this.hosts.filter(({ address }) => members.some(({ name, up }) => up && name === address))
  }

  /** Those that Swarm sees up and not drained. @param say tells why the others take no part */
  async present(manager: Host, say = warn): Promise<Host[]> {
    const { members } = await lookAtSwarm(manager, this.stack)
    const state = (host: Host) => absence(members.find(({ name }) => name === host.address))
    for (const host of this.hosts) {
      const said = state(host)
      if (said) say(`${host.name} ${said}`)
    }
    return this.hosts.filter((host) => !state(host))
  }

  async bring(manager: Host, release: string, images: BaseImages): Promise<void> {
    const { stack, first } = this
    const names = [
      imageOf(stack, release),
      ownName(stack, 'nginx', images.nginx),
      ownName(stack, 'haproxy', images.haproxy),
    ]
    const hosts = await this.present(manager, () => {}) // the rollout says why others take no part
    await step('Images', async (doing) => {
      const told = await distribute(first, hosts, names, stack.swarm.registry, doing)
      await noteImages(first, stack, hosts, release)
      return list(told) || 'on all hosts: nothing to do'
    })
  }

  async mirror(from: Host, hosts: readonly Host[]): Promise<string[]> {
    const changed = await onEach(hosts, (host) =>
      host === from ? Promise.resolve([]) : mirror(from, host, this.stack),
    )
    return changed.flatMap((what, index) =>
      what.length > 0 ? [`${list(what)} to ${hosts[index]?.name}`] : [],
    )
  }

  async share(from: Host, hosts: readonly Host[]): Promise<void> {
    await step(
      'Hosts',
      async () => list(await this.mirror(from, hosts)) || 'have the same files: nothing to do',
    )
    for (const { name } of this.hosts.filter((host) => !hosts.includes(host)))
      warn(`${name} gets the new password by npm run deploy, when it answers again.`)
  }

  async equip(manager: Host): Promise<Host[]> {
    const hosts = await this.present(manager)
    await step('Files', async () => {
      await noteAddress(manager, this.stack) // the first one: deploy needs it
      const copied = await this.mirror(manager, hosts)
      const units = await onEach(hosts, (host) => ensureAttaching(host, this.stack))
      const changed = units.flat().length > 0 ? [...copied, 'a unit that starts containers'] : copied
      return list(changed) || 'the same on all hosts: nothing to do'
    })
    await dismissUnlisted(this, manager, this.stack)
    return hosts
  }

  async replace(manager: Host, again: readonly Located[], some: boolean): Promise<void> {
    sayReplaced(again)
    if (!some) {
      const target = await keptTarget(manager, this.stack, (await this.targets(manager)).at(-1) ?? '')
      return await this.rollOut(manager, { target, again: true })
    }
    // Swarm's update replaces all. Some may be stopped while others serve.
    for (const one of again)
      await step(one.name, async () => {
        await replace(manager, this.stack, await this.present(manager), one)
        return 'another one serves in its place'
      })
  }

  async end(manager: Host, hosts: readonly Host[]): Promise<void> {
    await step('Replicas', async () => {
      await onEach(hosts, (host) => removeAttaching(host, this.stack))
      return (await endReplicas(manager, hosts, this.stack)) ? 'ended' : 'none'
    })
  }

  async leave(manager: Host, hosts: readonly Host[]): Promise<void> {
    const { stack } = this
    await step('Swarm', async () => {
      const script = bash`docker network rm ${networksOf(stack)} >/dev/null 2>&1 || true`
      await manager.run('Removing the networks', script)
      const others = await otherServices(manager, stack)
      if (others.length > 0) return `stays: ${list(others)} runs there`
      await onEach(hosts, (host) => leaveAtOnce(host, stack))
      return 'left by all'
    })
    for (const host of this.hosts) if (!hosts.includes(host)) warn(`${host.name}: ${leftOn(host, stack)}`)
  }
}
