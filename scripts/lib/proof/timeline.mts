/** What a rollout did when: the bands of the report's picture, and how much of the time was the application's own. */

/** `ready` and `drain` are waits that the application imposes; the rest is ours. */
export type Kind = 'schema' | 'start' | 'ready' | 'swap' | 'drain' | 'finish' | 'stop'

export interface Step {
  kind: Kind
  /** The replicas concerned. */
  names: string
  /** Milliseconds since 1970. */
  from: number
  to: number
}

export class Timeline {
  readonly began = Date.now()
  readonly steps: Step[] = []
  readonly #running = new Set<string>()

  /** Does one step and notes when. @param earlier milliseconds by which it has begun already */
  async step<T>(kind: Kind, names: string, work: () => Promise<T>, earlier = 0): Promise<T> {
    const from = Math.max(this.began, Date.now() - earlier)
    const label = `${kind} ${names}`.trim()
    this.#running.add(label)
    try {
      return await work()
    } finally {
      this.#running.delete(label)
      this.steps.push({ kind, names, from, to: Date.now() })
    }
  }

  /** What is going on now. */
  get now(): string {
    return [...this.#running].join(', ') || 'between two steps'
  }
}

/** Milliseconds in which at least one step was a wait of the application's own. */
export function applicationsOwn(steps: readonly Step[]): number {
  const waits = steps
    .filter(({ kind }) => kind === 'ready' || kind === 'drain')
    .sort((a, b) => a.from - b.from)
  let total = 0
  let end = 0
  for (const { from, to } of waits) {
    total += Math.max(0, to - Math.max(from, end))
    end = Math.max(end, to)
  }
  return total
}
