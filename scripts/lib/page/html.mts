/** HTML as text. */

/** A text as HTML shows it. */
export function html(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (character) => names[character] as string)
}

/**
 * A table. The first cell of a row names the row.
 * @param caption what it shows; empty: a heading before it says so
 * @param name    its class
 */
export function tableOf(head: readonly string[], rows: readonly string[][], caption = '', name = ''): string {
  const titles = head.map((cell) => `<th scope="col">${html(cell)}</th>`).join('')
  const lines = rows.map(([first = '', ...cells]) => {
    const values = cells.map((cell) => `<td>${html(cell)}</td>`).join('')
    return `<tr><th scope="row">${html(first)}</th>${values}</tr>`
  })
  const above = caption && `<caption>${html(caption)}</caption>`
  return `<table class="${name}">${above}<thead><tr>${titles}</tr></thead><tbody>${lines.join('')}</tbody></table>`
}
