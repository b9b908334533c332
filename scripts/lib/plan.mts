/**
 * The plan of a rollout, made from what is there: containers and the load balancer's upstream file are the truth, so
 * that a rollout which was interrupted anywhere is finished by the next one.
 */
import type { StackConfig } from './config.mts'
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

/** The release that ran before, where one did; else the empty text. */
export function before({ batches, leftovers }: Plan): string {
  const old = [...batches.flatMap(({ old }) => old), ...leftovers]
  return old.find(({ running }) => running)?.release ?? ''
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
