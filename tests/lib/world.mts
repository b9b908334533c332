/** A server without containers, for plans of rollouts. */
import assert from 'node:assert/strict'
import type { Plan } from '../../scripts/lib/rollout/plan.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'

export function replica(number: number, release: string, running = true): Replica {
  const state = {
    target: release,
    secrets: '',
    address: running ? `172.18.0.${number}` : '',
    running,
    age: 0,
    restarts: 0,
    exitCode: 0,
  }
  return { id: `id${number}`, name: `prusa-app-${number}`, release, ...state }
}

/** A server on which a plan is carried out step by step, as compose/release.mts does it. */
export class World {
  found: Replica[] = []
  serving: Replica[] = []
  #last = 0

  add(release: string, running = true, serves = false): Replica {
    const made = replica(++this.#last, release, running)
    this.found.push(made)
    if (serves) this.serving.push(made)
    return made
  }

  /** Number of running replicas that get requests. */
  get live(): number {
    return this.serving.filter(({ running }) => running).length
  }

  remove(gone: Replica[]): void {
    for (const one of gone) assert.ok(!this.serving.includes(one), `${one.name} is removed while it serves`)
    this.found = this.found.filter((one) => !gone.includes(one))
  }

  swap(into: Replica[], out: Replica[]): void {
    this.serving = [...this.serving.filter((one) => !out.includes(one)), ...into]
  }

  /** Carries out the first `steps` steps. An interruption leaves the others undone. */
  carryOut({ adopt, leftovers, batches }: Plan, look: () => void, steps = Number.POSITIVE_INFINITY): void {
    let left = steps
    const step = (work: () => void) => {
      if (left-- <= 0) return
      work()
      look()
    }
    step(() => this.remove(leftovers))
    step(() => this.swap(adopt, []))
    for (const { fresh, old } of batches) {
      let made: Replica[] = []
      step(() => {
        made = Array.from({ length: fresh }, () => this.add('new'))
      })
      step(() => this.swap(made, old))
      step(() => this.remove(old))
    }
  }
}
