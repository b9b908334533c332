/** The verdict on a line of the task sheet, and the facts that it rests on. */
import type { Entry } from '../proof/history.mts'
import type { Inside } from './facts.mts'
import type { Front } from './inside.mts'
import type { Outside } from './outside.mts'

/** What the facts say about a line of the sheet. */
export interface Line {
  required: string
  ok: boolean
  /** Whether a fact shows it. If not, `ok` means only that no fact speaks against it. */
  shown: boolean
  evidence: string
}

export interface Verdict extends Line {
  chapter: string
}

/** What was seen of a host. */
export interface Seen {
  host: string
  front: Front
  inside: Inside
  outside: Outside
}

export interface Facts extends Omit<Seen, 'host'> {
  /** The last rollout that replaced a release; absent: there was none. */
  rollout?: Entry | undefined
}

/** @param ok undefined: no fact shows it yet */
export function line(required: string, ok: boolean | undefined, ...evidence: string[]): Line {
  return { required, ok: ok ?? true, shown: ok !== undefined, evidence: evidence.join('; ') }
}
