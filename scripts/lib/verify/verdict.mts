/** A verdict on one line of the task sheet, and the facts that it is made of. */
import type { Entry } from '../proof/history.mts'
import type { Inside } from './facts.mts'
import type { Front } from './inside.mts'
import type { Outside } from './outside.mts'

export interface Verdict {
  chapter: string
  required: string
  ok: boolean
  /** Whether there is anything yet that shows it; without, `ok` means that nothing speaks against it. */
  shown: boolean
  evidence: string
}

export interface Facts {
  front: Front
  inside: Inside
  outside: Outside
  /** The last rollout that replaced a release; absent while there was none. */
  rollout?: Entry
}

/** A line of the sheet. @param ok undefined: nothing shows it yet */
export function verdict(
  chapter: string,
  required: string,
  ok: boolean | undefined,
  evidence: string[],
): Verdict {
  return { chapter, required, ok: ok ?? true, shown: ok !== undefined, evidence: evidence.join('; ') }
}
