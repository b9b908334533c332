/** Compares what runs with this checkout. */
import type { StackConfig } from '../config/config.mts'
import { sourceOf } from '../images/application.mts'
import { pythonNames } from '../images/base.mts'
import { fleetOf } from '../rollout/fleet.mts'
import { isDone, plan } from '../rollout/plan.mts'
import { difference, nameOf, type Origin, type Target } from '../rollout/target.mts'
import type { Facts } from './status.mts'

export type Differs = (replica: Origin) => string | undefined

export interface Comparison {
  /** How a replica differs from this checkout, in words; empty: in nothing; undefined: not known. */
  differs: Differs
  /** What redeploy would change, or why that is not known; empty: nothing. */
  note: string
}

export function compare(stack: StackConfig, facts: Facts): Comparison {
  const wanted = wantedTarget(stack, facts)
  if (typeof wanted === 'string')
    return { differs: () => undefined, note: `The target of this checkout is not known: ${wanted}` }
  const { replicas, places } = facts
  const differs = (one: Origin) => difference(stack, wanted, one)
  const done = isDone(plan(stack, fleetOf(replicas, places), (one) => differs(one) === ''))
  const note = `This checkout is for ${stack.app.replicas} of release ${wanted.release}, running and served. Next: npm run redeploy`
  return { differs, note: done ? '' : note }
}

/** The target that redeploy would roll out, or why it is not known. */
function wantedTarget(stack: StackConfig, { mode: remembered, python, secrets }: Facts): Target | string {
  const mode = stack.images === 'auto' ? remembered : stack.images
  if (mode !== 'registry' && mode !== 'debian') return 'there are no images yet'
  const identity = pythonNames(stack, mode)
    .map((name) => python[name])
    .find(Boolean)
  if (!identity) return 'there are no base images yet'
  try {
    const { release } = sourceOf(stack, identity)
    return { release, name: nameOf(stack, release), secrets }
  } catch (error) {
    return (error as Error).message
  }
}
