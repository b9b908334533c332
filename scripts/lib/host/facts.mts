/** Reads the output of a script that is meant for programs: a line for each fact, with tabs between its values. */

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

/** The same for facts of one value that may hold tabs, such as JSON: each line's rest after its kind, as it is. */
export function linesIn(output: string): (kind: string) => string[] {
  const lines = output.split('\n')
  return (kind) => {
    const head = `${kind}\t`
    return lines.filter((line) => line.startsWith(head)).map((line) => line.slice(head.length))
  }
}

/** The objects in a text of JSON, one a line. Other lines are left out, such as one that a full disk cut off. */
export function jsonIn<T>(text: string): T[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    try {
      return [JSON.parse(line) as T]
    } catch {
      return []
    }
  })
}
