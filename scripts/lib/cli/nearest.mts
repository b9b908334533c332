/** What somebody may have meant who wrote a word that nobody knows. */

/** The known word that takes the fewest changes to reach from `word`. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return [...known].sort((a, b) => distance(word, a) - distance(word, b))[0]
}

/** Levenshtein distance: single-character changes that lead from a to b. */
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
