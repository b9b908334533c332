/** For sort(): app-2 comes before app-10. */
export const inOrder = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true })
export const byName = (a: { name: string }, b: { name: string }) => inOrder(a.name, b.name)

/** A text table. Each column is as wide as its widest cell. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
