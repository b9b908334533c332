/** The scripts that stand in the code as bash`…`, as shell that can be read by a tool: a word for every value. */

/** A template and the line that it begins on. */
export interface Template {
  line: number
  text: string
}

/** What stands in place of a value. */
const VALUE = 'value'

/** @param code TypeScript, with no backtick or brace in it that is neither code nor of a template */
export function templatesIn(code: string): Template[] {
  const found: Template[] = []
  for (const { index } of code.matchAll(/\bbash`/g)) {
    const [text] = read(code, index + 'bash`'.length)
    found.push({ line: code.slice(0, index).split('\n').length, text })
  }
  return found
}

/** The template that begins at a place, and where it ends. */
function read(code: string, begin: number): [text: string, end: number] {
  let text = ''
  let at = begin
  while (code[at] !== '`') {
    if (code.startsWith('${', at)) {
      at = skip(code, at + 2)
      text += VALUE
    } else if (code.startsWith('\\`', at) || code.startsWith('\\${', at)) {
      text += code[at + 1]
      at += 2
    } else text += code[at++]
  }
  return [text, at + 1]
}

/** The place behind the brace that ends a value. */
function skip(code: string, begin: number): number {
  let at = begin
  while (code[at] !== '}') {
    if (code[at] === '`') at = read(code, at + 1)[1]
    else if (code[at] === '{') at = skip(code, at + 1)
    else at++
  }
  return at + 1
}
