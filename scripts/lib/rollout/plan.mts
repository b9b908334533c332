/**
 * The plan of a rollout, made from what is there: the containers and what the balancer says are the truth, so
 * that a rollout which was interrupted anywhere is finished by the next one.
 */
import type { StackConfig } from '../config/config.mts'
import type { Replica } from './replica.mts'
import type { Scene } from './scene.mts'

/** One turn of the loop: so many fresh replicas come, these old ones go. */
export interface Batch {
  fresh: number
  old: Replica[]
}

export interface Plan {
  /** Of the wanted release already, running, but not sent requests yet: left by an interrupted rollout. */
  adopt: Replica[]
  /** Of another release or not running, and not sent requests: left by an interrupted rollout. */
  leftovers: Replica[]
  batches: Batch[]
}

/** Whether everything is as wanted already. */
export function isDone({ adopt, leftovers, batches }: Plan): boolean {
  return adopt.length + leftovers.length + batches.length === 0
}

type Origin = Pick<Replica, 'release' | 'target'>

/**
 * What ran before, where anything did: what the way back leads to.
 * @param to       name of the wanted target
 * @param cutOff   what ran before the last rollout, where that was cut off
 * @param released what the last one that was not cut off left running
 */
export function before(
  { batches, leftovers }: Plan,
  { found, serving }: Scene,
  to: string,
  cutOff?: Origin,
  released?: Origin,
): Origin | undefined {
  if (serving.length === 0) return cutOff
  const gone = [...batches.flatMap(({ old }) => old), ...leftovers].filter(({ running }) => running)
  const other = gone.find(({ target }) => target !== to)
  if (other) return other
  // Where none is replaced, the rollout that was cut off is finished.
  const served = found.filter(({ name }) => serving.includes(name))
  return (gone.length === 0 && cutOff) || served.find(({ running }) => running) || served[0] || released
}

/** @param current whether a replica is as wanted */
export function plan(
  stack: StackConfig,
  { found, serving }: Scene,
  current: (replica: Replica) => boolean,
): Plan {
  const served = (replica: Replica) => serving.includes(replica.name)
  const good = found.filter((replica) => replica.running && current(replica))
  const keep = good.slice(0, stack.app.replicas)
  const rest = found.filter((replica) => !keep.includes(replica))
  return {
    adopt: keep.filter((replica) => !served(replica)),
    leftovers: rest.filter((replica) => !served(replica)),
    batches: batches(stack.app.replicas - keep.length, rest.filter(served), surgeOf(stack, serving)),
  }
}

/** Pairs what comes with what goes, `surge` at a time. */
export function batches(fresh: number, old: Replica[], surge: number): Batch[] {
  const turns = Math.ceil(Math.max(fresh, old.length) / surge)
  return Array.from({ length: turns }, (_, turn) => ({
    fresh: Math.max(0, Math.min(surge, fresh - turn * surge)),
    old: old.slice(turn * surge, (turn + 1) * surge),
  }))
}

/** Where nothing serves yet there is nothing to be careful with. */
function surgeOf({ app, rollout }: StackConfig, serving: string[]): number {
  return rollout.surge === 'all' || serving.length === 0 ? app.replicas : Number(rollout.surge)
}
