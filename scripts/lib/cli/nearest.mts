/** What a mistyped word probably means. */
import { WrongCall } from './errors.mts'

/** The known word that is the fewest changes away from `word`. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return [...known].sort((a, b) => distance(word, a) - distance(word, b))[0]
}

/** @throws WrongCall when the verb of a command is not a known one. @param next how the command is typed */
export function requireVerb(verb: string, known: readonly string[], next: string): void {
  if (known.includes(verb)) return
  throw new WrongCall(`“${verb}” was not expected; the nearest is “${nearest(verb, known)}”`, next)
}

/** Levenshtein distance: how many characters must be inserted, removed or replaced to make `a` into `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries())
      next.push(
        Math.min(
          (row[j + 1] as number) + 1,
          (next[j] as number) + 1,
          (row[j] as number) + (letter === other ? 0 : 1),
        ),
      )
    row = next
  }
  return row.at(-1) as number
}
