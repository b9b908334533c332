/** Facts that a script prints for the code here: a line for each, with its kind and its values, and tabs between. */

/** The values of each line that is not empty. */
export const rowsIn = (output: string): string[][] =>
  output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))

/** Sorts a script's output. @returns a function that takes a kind and returns the values of each of its lines */
export function factsIn(output: string): (kind: string) => string[][] {
  const rows = rowsIn(output)
  return (kind) => rows.filter(([first]) => first === kind).map((row) => row.slice(1))
}
