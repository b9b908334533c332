/** How what runs compares with this checkout. */
import type { StackConfig } from '../config/config.mts'
import { sourceOf } from '../images/application.mts'
import { pythonNames } from '../images/base.mts'
import { fleetOf } from '../rollout/fleet.mts'
import { isDone, plan } from '../rollout/plan.mts'
import { difference, nameOf, type Target } from '../rollout/target.mts'
import type { Facts } from './status.mts'

export interface Comparison {
  /** In what a replica differs, by its name; undefined: not known. */
  differs(name: string): string | undefined
  /** What this checkout would change, or why that is not known; empty: nothing. */
  note: string
}

export function compare(stack: StackConfig, facts: Facts): Comparison {
  const wanted = wantedTarget(stack, facts)
  if (typeof wanted === 'string')
    return { differs: () => undefined, note: `What would be started now is not known: ${wanted}` }
  const { replicas, places } = facts
  const found = (name: string) => replicas.find((one) => one.name === name)
  const current = (one: (typeof replicas)[number]) => difference(stack, wanted, one) === ''
  const done = isDone(plan(stack, fleetOf(replicas, places), current))
  const note = `This checkout is for ${stack.app.replicas} of release ${wanted.release}, running and served. Next: npm run redeploy`
  return {
    differs: (name) => {
      const replica = found(name)
      return replica && difference(stack, wanted, replica)
    },
    note: done ? '' : note,
  }
}

/** What redeploy would start now; or why that is not known. */
function wantedTarget(stack: StackConfig, { mode: remembered, python, secrets }: Facts): Target | string {
  const mode = stack.images === 'auto' ? remembered : stack.images
  if (mode !== 'registry' && mode !== 'debian') return 'no images have been made yet'
  const identity = pythonNames(stack, mode)
    .map((name) => python[name])
    .find(Boolean)
  if (!identity) return 'the base images are not there yet'
  try {
    const { release } = sourceOf(stack, identity)
    return { release, name: nameOf(stack, release), secrets }
  } catch (error) {
    return (error as Error).message
  }
}
