/** Facts that a script prints for the code here: a line for each, with its kind and its values, and tabs between. */

/** Sorts a script's output. @returns a function that takes a kind and returns the values of each of its lines */
export function factsIn(output: string): (kind: string) => string[][] {
  const lines = output.split('\n').map((line) => line.split('\t'))
  return (kind) => lines.filter(([first]) => first === kind).map((line) => line.slice(1))
}
