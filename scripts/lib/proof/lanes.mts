/** The lanes of a picture: what each replica was at, and which steps went on, read from a rollout's steps. Pure. */
import { seconds } from '../cli/say.mts'
import { inOrder } from '../cli/table.mts'
import type { Lane } from '../page/chart.mts'
import { STATES, type State } from '../page/states.mts'
import type { Step } from './timeline.mts'

/** From a moment on a replica is at this. */
interface Turn {
  name: string
  at: number
  state: State
}

/** What each replica of a rollout was at. Those that it did not touch have no lane. */
export function replicaLanes(steps: readonly Step[], began: number, ended: number): Lane[] {
  const turns = steps.flatMap(turnsOf).sort((a, b) => a.at - b.at)
  const names = [...new Set(turns.map(({ name }) => name))].sort(inOrder)
  return names.map((name) => {
    const own = turns.filter((turn) => turn.name === name)
    const first = own[0] as Turn
    // Who gets ready is fresh; anybody else was there before.
    const all = first.state === 'warming' ? own : [{ name, at: began, state: BEFORE[first.state] }, ...own]
    const turned = all.filter(({ state }, index) => state !== all[index - 1]?.state)
    return {
      name: name.replace(/^.*-(app-\d+)$/, '$1'),
      bands: turned.flatMap((turn, index) => bandOf(turn, turned[index + 1]?.at ?? ended)),
    }
  })
}

/** What a replica was at before its first turn to a state. */
const BEFORE: Record<State, State> = {
  warming: 'warming',
  serving: 'warming',
  draining: 'serving',
  down: 'serving',
  gone: 'draining',
}

function bandOf({ at, state }: Turn, to: number) {
  if (state === 'gone') return []
  return [{ from: at, to, kind: state, title: `${STATES[state].word} for ${seconds(to - at)}` }]
}

function turnsOf({ kind, names, from, to }: Step): Turn[] {
  if (kind === 'swap')
    return swapped(names).map(({ name, into }) =>
      into ? { name, at: from, state: 'serving' } : { name, at: to, state: 'draining' },
    )
  const state = (
    { ready: 'warming', drain: 'draining', stop: 'gone' } as Partial<Record<typeof kind, State>>
  )[kind]
  return state ? names.split(', ').map((name) => ({ name, at: state === 'gone' ? to : from, state })) : []
}

/** @param names as in `app-3, app-4 in, app-1 out` */
function swapped(names: string): { name: string; into: boolean }[] {
  const words = names.split(', ').map((word) => word.split(' '))
  return words.map(([name = ''], index) => {
    const way = words.slice(index).find(([, way]) => way)?.[1]
    return { name, into: way === 'in' }
  })
}

/** Steps of a kind that overlap are in lanes of their own; the kinds are in the order in which they begin. */
export function stepLanes(steps: readonly Step[]): Lane[] {
  const rows: { kind: Step['kind']; steps: Step[] }[] = []
  const inOrder = [...steps].sort((a, b) => a.from - b.from)
  for (const step of inOrder) {
    const free = rows.find(({ kind, steps }) => kind === step.kind && (steps.at(-1)?.to ?? 0) <= step.from)
    if (free) free.steps.push(step)
    else rows.push({ kind: step.kind, steps: [step] })
  }
  const kinds = [...new Set(rows.map(({ kind }) => kind))]
  return rows
    .sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind))
    .map(({ kind, steps }) => ({
      name: kind,
      bands: steps.map(({ names, from, to }) => ({
        kind,
        from,
        to,
        title: `${names}: ${seconds(to - from)}`,
      })),
    }))
}
