/** What a rollout did and when, and how much of that time was the application's own. */

/** `ready` and `drain` are waits that the application imposes; the rest is ours. */
export type Kind = 'schema' | 'start' | 'ready' | 'swap' | 'drain' | 'finish' | 'stop'

/** What happens in a step, for whoever sees its word in a picture. */
export const KINDS: Record<Kind, string> = {
  schema: 'create_db.py of the new release prepares the database.',
  start: 'Docker starts the containers of fresh replicas.',
  ready: 'The application warms up: it takes this time until /status answers OK.',
  swap: 'The balancer begins or ceases to send requests to replicas.',
  drain: 'The application completes its work: it takes this time until /ready-for-deploy answers Ready.',
  finish: 'The last open requests of a drained replica are answered.',
  stop: 'The container is stopped and removed.',
}

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
    return [...this.#running].join(SEPARATOR) || 'between two steps'
  }
}

/** Names of replicas have the same one between them. */
const SEPARATOR = ', '

/** The steps that {@link Timeline.now} names. */
export function stepsNamed(now: string): Pick<Step, 'kind' | 'names'>[] {
  const found: Pick<Step, 'kind' | 'names'>[] = []
  for (const piece of now.split(SEPARATOR)) {
    const [word = '', ...rest] = piece.split(' ')
    const last = found.at(-1)
    if (Object.hasOwn(KINDS, word)) found.push({ kind: word as Kind, names: rest.join(' ') })
    else if (last) last.names += `${SEPARATOR}${piece}`
  }
  return found
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
