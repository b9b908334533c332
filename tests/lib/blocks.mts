/**
 * The commands of a page in Markdown. A block of the language `sh` is commands, one of `console` is commands behind `$ ` and
 * what they print. HTML comments above a block, which no reader sees, say what else a test has to know:
 *
 *   not run: WHY           a reader does this, a test does not
 *   on the server          typed there as root, not here
 *   before: SCRIPT         what is done on the server first: the thing that is broken
 *   exit code: NUMBER      of the last command
 *   type: LINE             the answer to a question on a terminal
 *   in any order           what it prints may come in another order
 *   output of: COMMAND     what another block's command printed; of a table, each `✓ …` is a line of that, in any order
 *   settings               a part of config/stack.yaml, from here on
 *
 * `walk: PAGE` stands alone: the reader follows a link and comes back.
 */

export interface Command {
  kind: 'command'
  /** Page and line, for people. */
  place: string
  command: string
  /** What it prints; absent where the page does not say. */
  prints: string[] | undefined
  anyOrder: boolean
  exitCode: number
  onServer: boolean
  before: string
  typed: string
}
export interface Output {
  kind: 'output'
  place: string
  of: string
  prints: string[]
  anyOrder: boolean
}
export interface Settings {
  kind: 'settings'
  place: string
  yaml: string
}
export type Step = Command | Output | Settings

const MARKS = [
  ...[
    'not run',
    'on the server',
    'before',
    'exit code',
    'type',
    'in any order',
    'output of',
    'settings',
    'walk',
  ],
]

interface Block {
  place: string
  /** Of a block of code; `table` for a table. */
  language: string
  marks: Map<string, string>
  lines: string[]
}

/**
 * What a reader does, in the order of the text.
 * @param page the page's name
 * @param read gives a page's text
 * @throws Error for a block that would not be looked at, and for a mark that means nothing
 */
export function stepsOf(page: string, read: (page: string) => string): Step[] {
  return blocksOf(page, read(page)).flatMap((block) => {
    const { marks, place } = block
    const other = marks.get('walk')
    if (other !== undefined) return stepsOf(other, read)
    if (marks.has('not run')) return []
    const of = marks.get('output of')
    if (of !== undefined) return [outputOf(block, of)]
    if (marks.has('settings')) return [{ kind: 'settings', place, yaml: block.lines.join('\n') }]
    if (block.language === 'sh' || block.language === 'console') return commandsOf(block)
    throw new Error(`${place}: a block that no test looks at; tests/lib/blocks.mts says what marks it`)
  })
}

function outputOf({ place, language, marks, lines }: Block, of: string): Output {
  const isTable = language === 'table'
  const cells = lines.flatMap((line) => [...line.matchAll(/`(✓ [^`]*)`/g)].map(([, text = '']) => text))
  const anyOrder = isTable || marks.has('in any order')
  return { kind: 'output', place, of, prints: isTable ? [...cells, '…'] : lines, anyOrder }
}

function commandsOf({ place, language, marks, lines }: Block): Command[] {
  const found: { command: string; prints: string[] | undefined }[] = []
  for (const line of lines) {
    const last = found.at(-1)
    if (last?.command.endsWith('\\')) last.command = `${last.command}\n${line.replace(/^> /, '')}`
    else if (language === 'sh') {
      if (line && !line.startsWith('#')) found.push({ command: line, prints: undefined })
    } else if (line.startsWith('$ ')) found.push({ command: line.slice(2), prints: undefined })
    else if (last) last.prints = [...(last.prints ?? []), line]
    else throw new Error(`${place}: a block of the language console begins with “$ ”`)
  }
  return found.map(({ command, prints }, index) => ({
    kind: 'command',
    place,
    command,
    prints,
    anyOrder: marks.has('in any order'),
    exitCode: index === found.length - 1 ? Number(marks.get('exit code') ?? 0) : 0,
    onServer: marks.has('on the server'),
    before: index === 0 ? (marks.get('before') ?? '') : '',
    typed: marks.get('type') ?? '',
  }))
}

/** Every block of code; and tables and links that have a mark. */
function blocksOf(page: string, text: string): Block[] {
  const found: Block[] = []
  let marks = new Map<string, string>()
  let open: Block | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const place = `${page}, line ${index + 1}`
    const fence = /^\s*```(\w*)$/.exec(line)
    const mark = /^<!-- ([^:]+?)(?:: (.*))? -->$/.exec(line)
    if (open?.language === 'table' && !line.startsWith('|')) open = undefined
    if (open && open.language !== 'table') {
      if (fence) open = undefined
      else open.lines.push(line)
    } else if (open) open.lines.push(line)
    else if (mark) {
      const [, name = '', value = ''] = mark
      if (!MARKS.includes(name))
        throw new Error(`${place}: “${name}” is no mark; tests/lib/blocks.mts has them`)
      if (name === 'walk') found.push({ place, language: '', marks: new Map([[name, value]]), lines: [] })
      else marks.set(name, value)
    } else if (fence || (marks.size > 0 && line.startsWith('|'))) {
      open = { place, language: fence ? (fence[1] ?? '') : 'table', marks, lines: fence ? [] : [line] }
      found.push(open)
      marks = new Map()
    } else if (marks.size > 0 && line.trim())
      throw new Error(`${place}: the marks above stand above no block`)
  }
  if (open && open.language !== 'table') throw new Error(`${open.place}: a block without an end`)
  return found
}
