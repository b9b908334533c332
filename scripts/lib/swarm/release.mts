/** A rollout on a swarm from its beginning to its end: edge, schema, proof, history. */
import { capital, say } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { refreshHaproxy } from '../edge/haproxy.mts'
import { refreshNginx } from '../edge/nginx.mts'
import type { Wanted } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { pruneImages } from '../images/base.mts'
import { prune } from '../images/release.mts'
import { interruptedFrom, kept, noteInterrupted, readHistory } from '../proof/history.mts'
import { Proof } from '../proof/proof.mts'
import { titleOf } from '../proof/sentence.mts'
import { runHook } from '../rollout/hooks.mts'
import { prove, schemaStep } from '../rollout/prove.mts'
import { type Replica, replicas, runningTargets } from '../rollout/replica.mts'
import { releaseOf, type Target } from '../rollout/target.mts'
import { retireEarlier } from './moving.mts'
import { update } from './rollout.mts'
import { isGiven } from './service.mts'
import { forgetReleases, spread } from './spreading.mts'
import type { Swarm } from './swarm.mts'
import { lookAtSwarm, serving, type View } from './view.mts'

/** Rolls a target out. The caller holds the lock. @param host a manager */
export async function rollOutOnSwarm(
  swarm: Swarm,
  host: Host,
  stack: StackConfig,
  wanted: Wanted,
): Promise<void> {
  const { target, schema, rollback, again = false } = wanted
  const hosts = await swarm.present(host)
  const before = await lookAtSwarm(host, stack)
  const earlier = host === swarm.first ? await replicas(host, stack) : []
  const about = {
    ...(await originOf(host, stack, before, target, earlier)),
    to: target.release,
    toTarget: target.name,
    rollback,
  }
  await swarm.mirror(host, hosts) // its target, above all
  const settle = async () => {
    await retireEarlier(host, hosts, stack, earlier)
    await spread(host, hosts, stack)
  }
  const up = serving(before).length > 0 ? hosts : earlier.length > 0 ? [host] : []
  await refreshEdge(hosts, up, stack)
  if (!again && isDone(before, stack, target)) {
    const noted = await noteInterrupted(host, stack, await readHistory(host, stack), target.name)
    if (noted) await swarm.mirror(host, hosts)
    say(`Release ${target.release} is already running: ${noted ?? 'nothing to do'}.`)
    return await settle()
  }
  await runHook(host, stack, 'pre_rollout', about)
  if (about.from === about.to) say(capital(titleOf(about)))
  const proof = await Proof.begin(host, stack, about, hosts)
  await prove(host, stack, proof, async () => {
    await schemaStep(host, stack, proof, schema)
    await proof.begun()
    await swarm.mirror(host, hosts) // the note that it has begun
    await update({ manager: host, hosts, stack, proof, before, target, again })
  })
  await settle()
  await tidy(swarm, host, stack, hosts, target)
}

/** Whether all replicas run as wanted. */
export function isDone(view: View, stack: StackConfig, target: Target): boolean {
  const current = serving(view).filter((one) => one.target === target.name && one.secrets === target.secrets)
  const settled = !['updating', 'rollback_started'].includes(view.service?.update ?? '')
  return isGiven(view, stack, target) && settled && current.length === stack.app.replicas
}

/** The release and target that run before. @param earlier replicas of Compose */
async function originOf(
  host: Host,
  stack: StackConfig,
  { service }: View,
  target: Target,
  earlier: readonly Replica[],
) {
  const interrupted = interruptedFrom(await readHistory(host, stack))
  const last = runningTargets(earlier).at(-1)
  if (!service) return last ? { from: releaseOf(last), fromTarget: last } : { from: '' }
  if (service.target === target.name && interrupted)
    return { from: interrupted.release, fromTarget: interrupted.target }
  return { from: releaseOf(service.target), fromTarget: service.target }
}

/** Gives HAProxy and nginx of each host the configuration of this checkout. @param up those whose nginx has replicas */
async function refreshEdge(hosts: readonly Host[], up: readonly Host[], stack: StackConfig): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      await refreshHaproxy(host, stack)
      if (up.includes(host)) await refreshNginx(host, stack)
    }),
  )
}

/** Keeps the history on the other hosts, too, and removes old releases from all. */
async function tidy(
  swarm: Swarm,
  host: Host,
  stack: StackConfig,
  hosts: readonly Host[],
  target: Target,
): Promise<void> {
  const keep = kept(await readHistory(host, stack), target, stack.rollout.keep_releases)
  await prune(host, stack, keep)
  await forgetReleases(host, stack, keep.releases)
  await swarm.mirror(host, await swarm.up(host))
  await Promise.all(
    hosts.map(async (one) => {
      if (one !== host) await prune(one, stack, keep)
      await pruneImages(one, stack)
    }),
  )
}
