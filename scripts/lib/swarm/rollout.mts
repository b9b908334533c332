/** A rollout on a swarm: Swarm replaces the replicas, and this watches it. */
import { ApplicationFails, OperatorError } from '../cli/errors.mts'
import { capital, count, warn } from '../cli/say.mts'
import { Overdue, waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { LockLost } from '../host/fence.mts'
import type { Host } from '../host/host.mts'
import type { Sample } from '../proof/probe.mts'
import type { Proof } from '../proof/proof.mts'
import { titleOf } from '../proof/sentence.mts'
import { isWorse, RequestsFail } from '../rollout/abort-on-errors.mts'
import type { Target } from '../rollout/target.mts'
import { introduceAll, untilFound } from './balancers.mts'
import { lastWords, reasonOf } from './failure.mts'
import { PORTS } from './node.mts'
import { deployService, isGiven, removeService, undoUpdate } from './service.mts'
import { lookAtSwarm, serving, type Task, type View } from './view.mts'

/** Seconds, beside what the application may take, for a batch of replicas, or for the end of an old one. */
const SLACK = 60

export interface Watched {
  /** A manager. */
  manager: Host
  /** The hosts that are up. */
  hosts: readonly Host[]
  stack: StackConfig
  proof: Proof
  /** What was there before. */
  before: View
  target: Target
  /** Whether replicas are replaced although they are of the target. */
  again: boolean
}

/** Rolls the target out. @throws OperatorError when it was not rolled out; then the earlier replicas serve again */
export async function update(watched: Watched): Promise<void> {
  const { manager, stack, before, target, again } = watched
  try {
    // A rollout that was interrupted goes on by itself. Giving the same again would forget what Swarm can go back to.
    if (again || !isGiven(before, stack, target)) await deployService(manager, stack, target, again)
    await untilReplaced(watched)
    if (before.service) await untilGone(watched)
  } catch (error) {
    // Without the lock, this run may change nothing.
    throw error instanceof LockLost ? error : await wentBack(watched, error as Error)
  }
}

const isOf = (target: Pick<Target, 'name' | 'secrets'>) => (task: Task) =>
  task.target === target.name && task.secrets === target.secrets

/** Whether a replica is as wanted. */
function freshBy({ target, again, before }: Watched): (task: Task) => boolean {
  const old = new Set(again ? before.tasks.map(({ id }) => id) : [])
  return (task) => isOf(target)(task) && !old.has(task.id)
}

/** Seconds in which Swarm must replace a batch of replicas. */
function secondsForBatch({ rollout }: StackConfig): number {
  const { order, ready_timeout, drain_timeout, stop_timeout } = rollout
  return ready_timeout + (order === 'stop-first' ? drain_timeout + stop_timeout : 0) + SLACK
}

/** Waits until all replicas are of the target, and every balancer has found them. Says of each when it is ready. */
async function untilReplaced(watched: Watched): Promise<void> {
  const { manager, hosts, stack, proof, before, target } = watched
  const { app, rollout } = stack
  const batches =
    !before.service || rollout.surge === 'all' ? 1 : Math.ceil(app.replicas / Number(rollout.surge))
  const known = new Set(before.tasks.map(({ id }) => id))
  const requireHealth = judge(proof, stack)
  let fresh: Task[] = []
  await waitUntil('Swarm replaces the replicas', batches * secondsForBatch(stack), async () => {
    const view = await lookAtSwarm(manager, stack)
    fresh = serving(view).filter(freshBy(watched))
    const ready = fresh.filter(({ id }) => !known.has(id))
    for (const { id, name, on, age } of ready) {
      known.add(id)
      await proof.step('ready', `${name} on ${on}`, async () => {}, { earlier: age })
    }
    if (ready.length > 0) await introduceAll(hosts, stack, serving(view))
    const why = reasonOf(view, watched.before, target, rollout.ready_timeout)
    if (why) throw why
    requireHealth(fresh.length > 0)
    const settled = ['', 'completed'].includes(view.service?.update ?? '')
    if (fresh.length >= app.replicas && (settled || waitsForLost(view, freshBy(watched)))) return
    return `${count(fresh.length, 'replica')} of ${app.replicas} of ${target.release}`
  })
  await untilFound(hosts, stack, fresh).catch((error) => {
    if (!(error instanceof Overdue)) throw error
    const what = `${error.message}. Replicas on another host are reached by ${PORTS}`
    if (!before.service)
      throw new OperatorError(what, 'Open these ports between the hosts, then: npm run deploy')
    warn(what)
  })
}

/**
 * Whether Swarm has replaced each replica and does not say so: its update waits for ever for a replica that it was to start
 * on a host that is lost (swarmkit's updater waits until that one runs or has ended).
 */
export function waitsForLost({ service, tasks, members }: View, isFresh: (task: Task) => boolean): boolean {
  const isLost = ({ on }: Task) => !members.find(({ name }) => name === on)?.up
  const wanted = tasks.filter((task) => task.wanted)
  const slots = new Set(wanted.map(({ name }) => name))
  return (
    service?.update === 'updating' &&
    slots.size === service.replicas &&
    wanted.every((task) => isFresh(task) && task.state === 'running' && !isLost(task)) &&
    tasks.some((task) => isFresh(task) && !task.wanted && NOT_YET.includes(task.state) && isLost(task))
  )
}

/** Swarm's words for a task on its way. */
const NOT_YET = ['new', 'pending', 'assigned', 'accepted', 'preparing', 'ready', 'starting']

/** Waits until Swarm has stopped the old replicas: each prepares before it ends. */
async function untilGone(watched: Watched): Promise<void> {
  const { manager, stack, proof } = watched
  const isFresh = freshBy(watched)
  const { drain_timeout, stop_timeout } = stack.rollout
  await proof.step('drain', 'the old replicas', () =>
    waitUntil('the old replicas end', drain_timeout + stop_timeout + SLACK, async () => {
      const { tasks, members } = await lookAtSwarm(manager, stack)
      const isUp = (on: string) => members.find(({ name }) => name === on)?.up
      const old = tasks.filter((one) => !isFresh(one) && one.state === 'running' && isUp(one.on))
      return old.map(({ name, on }) => `${name} on ${on}`).join(', ')
    }),
  )
}

/** Throws RequestsFail when requests of the probe fail that did not fail before the first fresh replica was there. */
function judge(proof: Proof, { rollout }: StackConfig): (serves: boolean) => void {
  let since = Number.POSITIVE_INFINITY
  const counted = (samples: Sample[]) => ({
    answered: samples.length,
    failed: samples.filter(({ error }) => error).length,
  })
  return (serves) => {
    if (serves) since = Math.min(since, Date.now())
    const samples = proof.probe?.samples ?? []
    const [fresh, old] = [samples.filter(({ due }) => due >= since), samples.filter(({ due }) => due < since)]
    const [now, earlier] = [counted(fresh), counted(old)]
    if (!rollout.abort_on_errors || !isWorse(now, earlier)) return
    const first = fresh.find(({ error }) => error)?.error
    throw new RequestsFail(
      `requests fail that did not fail before: ${now.failed} of ${now.answered} by the probe, first: ${first}`,
    )
  }
}

/** Goes back unless Swarm has begun to. @returns the error for the operator: why, what state things are in, what to type */
async function wentBack(watched: Watched, error: Error): Promise<Error> {
  const { manager, stack, proof, before, target } = watched
  const words = await lastWords(manager, stack, before, target).catch(() => '')
  const state = await goBack(watched).catch((reason: Error) => `going back failed, too: ${reason.message}`)
  if (state === '') proof.result = 'went back'
  const { from } = proof.about
  const { remedy } = error as { remedy?: string }
  const known = error instanceof ApplicationFails || remedy
  const again = `npm run ${before.service ? 'redeploy' : 'deploy'}`
  return new OperatorError(
    [`${capital(titleOf(proof.about))} was not rolled out: ${error.message}`, words]
      .filter(Boolean)
      .join('\n'),
    known
      ? `${remedy ?? 'Correct the application'}, then: ${again}`
      : `npm run status shows what runs; ${again} tries again.`,
    state || (from ? `release ${from} serves as before.` : 'no replica runs.'),
  )
}

/** @returns the state that is left when it is not that of before the rollout; empty: it is */
async function goBack({ manager, hosts, stack, proof, before }: Watched): Promise<string> {
  const { app } = stack
  const now = await lookAtSwarm(manager, stack)
  if (!before.service) {
    if (now.service) await removeService(manager, stack)
    return ''
  }
  // That of before an interrupted rollout, if it goes on here.
  const old = proof.about.fromTarget ?? before.service.target
  const isBack = ({ service }: View) => service?.target === old && service.update !== 'updating'
  if (!isBack(now) && now.service?.update !== 'rollback_started') {
    warn('Going back to the release before.')
    await undoUpdate(manager, stack)
  }
  let view = now
  await waitUntil('Swarm goes back', app.replicas * secondsForBatch(stack), async () => {
    view = await lookAtSwarm(manager, stack)
    const back = serving(view).filter(({ target }) => target === old).length
    const settled = isBack(view) && view.service?.update !== 'rollback_started'
    if (settled && back >= (before.service?.replicas ?? 0)) return
    return `${count(back, 'replica')} of the release before`
  })
  await introduceAll(hosts, stack, serving(view))
  return ''
}
