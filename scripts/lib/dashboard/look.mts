/** One look at the replicas: what remote/look.sh prints, as data. */
import { type Place, parsePlaces } from '../edge/balancer.mts'
import { linesIn } from '../host/facts.mts'
import { type Entry, parseHistory } from '../proof/history.mts'
import { type Step, stepsNamed } from '../proof/timeline.mts'

/** A container of the application. */
export interface Seen {
  id: string
  name: string
  release: string
  target: string
  running: boolean
  /** Milliseconds since 1970. */
  started: number
  /** Empty when it does not run. */
  address: string
}

export interface Look {
  /** Milliseconds since 1970, by the server's clock. */
  now: number
  /** Who changes the server: WHO since WHEN for WHAT; empty: nobody. */
  lock: string
  /** What that run is at, in its own words; empty: nothing that it tells. */
  step: string
  /** The steps of that run until now; those that go on end now. */
  steps: Step[]
  /** The rollout that is under way, or was interrupted. */
  begun?: Entry
  replicas: Seen[]
  places: Place[]
}

/** @param lines without the last one, `end` */
export function parseLook(lines: readonly string[]): Look {
  const all = linesIn(lines.join('\n'))
  const now = Number(all('now')[0])
  const words = all('step').map((line) => line.split('\t'))
  const [begun] = parseHistory(all('begun').join('\n'))
  return {
    now,
    lock: all('lock')[0] ?? '',
    step: words.at(-1)?.[1] ?? '',
    steps: stepsOf(
      words.map(([at, what = '']) => ({ at: Number(at), what })),
      now,
    ),
    ...(begun && { begun }),
    replicas: all('replica').map(seenOf),
    places: parsePlaces(all('place').join('\n')),
  }
}

function seenOf(line: string): Seen {
  const [id = '', name = '', image = '', running, started = '', address = '', target] = line.split('\t')
  const release = image.split(':').at(-1) as string
  return {
    id,
    name: name.replace(/^\//, ''),
    release,
    target: target || release,
    running: running === 'true',
    started: Date.parse(started),
    address,
  }
}

/** A step goes on from the first line that names it to the next one that does not. */
function stepsOf(lines: readonly { at: number; what: string }[], now: number): Step[] {
  const steps: Step[] = []
  let open: Step[] = []
  for (const { at, what } of lines) {
    const named = stepsNamed(what).map((one) => {
      const known = open.find(({ kind, names }) => kind === one.kind && names === one.names)
      return known ?? { ...one, from: at, to: now }
    })
    for (const step of open) if (!named.includes(step)) step.to = at
    steps.push(...named.filter((step) => !open.includes(step)))
    open = named
  }
  return steps
}
