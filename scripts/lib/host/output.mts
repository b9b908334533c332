/** Reads what a script on the server printed: one item a line, tabs between the values of an item. */

/** The lines that are not empty. */
export const outputLines = (output: string): string[] => output.split('\n').filter(Boolean)

/** The values of each line that is not empty. */
export const outputRows = (output: string): string[][] => outputLines(output).map((line) => line.split('\t'))
