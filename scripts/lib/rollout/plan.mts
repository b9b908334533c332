/**
 * The plan of a rollout. It is made from the containers and from what the balancer says of them, and from nothing else.
 * So the next rollout can finish one that was interrupted, wherever that was.
 */
import type { StackConfig } from '../config/config.mts'
import type { Fleet } from './fleet.mts'
import type { Replica } from './replica.mts'

/** One turn of the loop: the old replicas that it replaces. */
export interface Batch {
  /** Number of fresh replicas to start. */
  fresh: number
  old: Replica[]
}

export interface Plan {
  /** Replicas on the wanted target that run and get no requests yet: an interrupted rollout started them. */
  adopt: Replica[]
  /** Other replicas that get no requests: an interrupted rollout left them. */
  leftovers: Replica[]
  batches: Batch[]
}

/** Whether the plan changes nothing. */
export function isDone({ adopt, leftovers, batches }: Plan): boolean {
  return adopt.length + leftovers.length + batches.length === 0
}

type Origin = Pick<Replica, 'release' | 'target'>

/**
 * The release and target that a rollout starts from. If the rollout fails, it goes back there.
 * @param to          name of the wanted target
 * @param interrupted the origin of the last rollout, if that was interrupted
 * @returns undefined if no replica got requests
 */
export function originOf(
  { batches, leftovers }: Plan,
  { serving }: Fleet,
  to: string,
  interrupted?: Origin,
): Origin | undefined {
  if (serving.length === 0) return interrupted
  const going = [...batches.flatMap(({ old }) => old), ...leftovers].filter(({ running }) => running)
  const other = going.find(({ target }) => target !== to)
  // A rollout that replaces no replica finishes the one that was interrupted.
  return other ?? ((going.length === 0 && interrupted) || serving[0])
}

/** @param current whether a replica is as wanted */
export function plan(
  { app, rollout }: StackConfig,
  { found, serving }: Fleet,
  current: (replica: Replica) => boolean,
): Plan {
  const serves = (replica: Replica) => serving.includes(replica)
  const keep = found.filter((replica) => replica.running && current(replica)).slice(0, app.replicas)
  const rest = found.filter((replica) => !keep.includes(replica))
  // If no replica gets requests, there is nobody to be careful for.
  const surge = rollout.surge === 'all' || serving.length === 0 ? app.replicas : Number(rollout.surge)
  return {
    adopt: keep.filter((replica) => !serves(replica)),
    leftovers: rest.filter((replica) => !serves(replica)),
    batches: batches(app.replicas - keep.length, rest.filter(serves), surge),
  }
}

/** Pairs fresh replicas with old ones, `surge` of each in a batch. */
export function batches(fresh: number, old: Replica[], surge: number): Batch[] {
  const turns = Math.ceil(Math.max(fresh, old.length) / surge)
  return Array.from({ length: turns }, (_, turn) => ({
    fresh: Math.max(0, Math.min(surge, fresh - turn * surge)),
    old: old.slice(turn * surge, (turn + 1) * surge),
  }))
}
