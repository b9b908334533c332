/** Object literals in code, as the keys that they set. */

/** Each key of the literal that begins at a brace, with those above it, and the text of its value: `rollout.surge`, `'all'`. */
export function keysOf(code: string, brace: number, above = ''): [key: string, value: string][] {
  const found: [string, string][] = []
  let at = brace + 1
  for (;;) {
    at += /^(?:[\s,]|\/\/.*)*/.exec(code.slice(at))?.[0].length ?? 0
    if (!/['\w.]/.test(code[at] ?? '')) return found
    const [head = '', name] = /^'?([\w-]+)'?(?:\s*:\s*)?/.exec(code.slice(at)) ?? []
    const value = at + head.length
    at = endOf(code, value)
    if (name && code[value] === '{') found.push(...keysOf(code, value, `${above}${name}.`))
    else if (name) found.push([above + name, code.slice(value, at).trim() || name])
  }
}

/** Where a value ends that begins at a place: at the comma or the bracket behind it. */
function endOf(code: string, begin: number): number {
  let depth = 0
  for (let at = begin; at < code.length; at++) {
    const letter = code[at] as string
    if (depth === 0 && /[,)\]}]/.test(letter)) return at
    const quoted = '\'"`'.includes(letter) ? code.indexOf(letter, at + 1) : at
    if (quoted < 0) break
    at = quoted
    if ('([{'.includes(letter)) depth++
    else if (')]}'.includes(letter)) depth--
  }
  return code.length
}
