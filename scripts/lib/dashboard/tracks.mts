/** What each replica was at for as long as somebody looked. Pure but for the map that is passed in. */
import type { Place } from '../edge/balancer.mts'
import type { State } from '../page/states.mts'
import type { Entry } from '../proof/history.mts'
import type { Look, Seen } from './look.mts'

export interface Track {
  name: string
  release: string
  /** Of the container's present life, in milliseconds since 1970. */
  started: number
  /** Whether it has had requests in that life. */
  served: boolean
  /** One after the other, without a gap; the last one goes on. */
  turns: { state: State; from: number; to: number }[]
}

/**
 * Takes in a look.
 * @param tracks   by the container's id
 * @param patience seconds after which nobody waits for a replica that warms up
 */
export function follow(tracks: Map<string, Track>, look: Look, patience: number): void {
  for (const seen of look.replicas) {
    const place = look.places.find(({ address }) => seen.running && address === seen.address)
    const before = tracks.get(seen.id)
    const same = before?.started === seen.started
    const served = (same && before.served) || (place?.up === true && place.weight > 0)
    const { name, release, started } = seen
    const track = { name, release, started, served, turns: before?.turns ?? [] }
    turn(track, stateOf(seen, place, served, look, patience), look.now)
    tracks.set(seen.id, track)
  }
  for (const [id, track] of tracks)
    if (!look.replicas.some((one) => one.id === id) && track.turns.at(-1)?.state !== 'gone')
      turn(track, 'gone', look.now)
}

/** The state of before goes on until now, unless nobody looked meanwhile. */
function turn({ turns }: Track, state: State, now: number): void {
  const last = turns.at(-1)
  const seen = last !== undefined && now - last.to < UNSEEN
  if (seen) last.to = now
  if (!seen || last.state !== state) turns.push({ state, from: now, to: now })
}

/** Milliseconds between two looks, of which nothing is known. */
const UNSEEN = 10_000

function stateOf(seen: Seen, place: Place | undefined, served: boolean, look: Look, patience: number): State {
  if (!seen.running) return 'down'
  if (place?.weight === 0) return served || !isFresh(seen, look.begun) ? 'draining' : 'warming'
  if (place?.up) return 'serving'
  return served || look.now - seen.started > patience * 1000 ? 'down' : 'warming'
}

/** Whether the rollout that is under way has made it. Its clock may be another one than the server's, by a little. */
function isFresh({ target, started }: Seen, begun?: Entry): boolean {
  if (!begun) return false
  const { fromTarget, toTarget = begun.to, when } = begun
  return target === toTarget && (fromTarget !== toTarget || started > Date.parse(when) - CLOCKS)
}

/** Milliseconds. */
const CLOCKS = 2000
