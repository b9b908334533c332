/**
 * What a .dockerignore leaves out, judged as Docker judges it: the rules are those of its own reader and matcher
 * (github.com/moby/patternmatcher), and a test asks Docker itself about the same patterns.
 */
import path from 'node:path'
import { OperatorError } from '../cli/errors.mts'

interface Pattern {
  /** It takes back (`!`) what one before it left out. */
  back: boolean
  /** Without `!`, a leading slash and detours. */
  text: string
  matches: (name: string) => boolean
}

/** What was judged of a name; the names below it need to know. */
export interface Judgement {
  out: boolean
  /** For each pattern whether it matches the name or a folder above it. */
  matched: boolean[]
}

export class Dockerignore {
  readonly #patterns: Pattern[]

  /** @throws OperatorError for a pattern that Docker refuses, too */
  constructor(text: string) {
    this.#patterns = text
      .replace(/^\ufeff/, '')
      .split('\n')
      .flatMap(parse)
  }

  /** @param above what was judged of the folder that it is in; nothing at the top */
  judge(name: string, above?: Judgement): Judgement {
    let out = false
    const matched = this.#patterns.map(({ back, matches }, index) => {
      // A pattern that could change nothing is not asked, and its answer is not handed down.
      const match = above?.matched[index] || (back === out && matches(name))
      if (match) out = !back
      return match
    })
    return { out, matched }
  }

  /** Whether something in a folder that is left out may be taken back. */
  mayTakeBack(folder: string): boolean {
    return this.#patterns.some(
      ({ back, text }) => back && (/[*?[\\]/.test(text) || `${text}/`.startsWith(`${folder}/`)),
    )
  }
}

function parse(line: string): Pattern[] {
  const trimmed = line.trim()
  if (line.startsWith('#') || trimmed === '') return []
  const back = trimmed.startsWith('!')
  const text = clean(back ? trimmed.slice(1).trim() : trimmed)
  if (text === '' || (back && text === '/')) throw refused(trimmed)
  return [{ back, text, matches: matcher(text, trimmed) }]
}

/** Go's filepath.Clean, and a path from the root of the context on. */
function clean(text: string): string {
  if (text === '') return ''
  const short = path.posix.normalize(text)
  return short.length > 1 ? short.replace(/\/$/, '').replace(/^\//, '') : short
}

/** A leading or a trailing `**` matches any text, also half a name; without wildcards it is the name itself. */
function matcher(text: string, shown: string): (name: string) => boolean {
  const inner = text.replace(/^\*\*/, '').replace(/\*\*$/, '')
  if (!/[*?[\]\\]/.test(inner)) {
    if (text.startsWith('**')) {
      const end = text.slice(2)
      if (!end.endsWith('**'))
        return (name) => name.endsWith(end) || (end[0] === '/' && name === end.slice(1))
    } else return inner === text ? (name) => name === text : (name) => name.startsWith(inner)
  }
  try {
    const expression = new RegExp(`^${toExpression(text)}$`, 'u')
    if (/\[\^?\]/.test(text)) throw refused(shown)
    return (name) => expression.test(name)
  } catch {
    throw refused(shown)
  }
}

const WILDCARD = /\*\*\/?$|\*\*\/?|\*|\?|\\(.)|[\s\S]/gu

function toExpression(text: string): string {
  return text.replace(WILDCARD, (piece: string, escaped: string | undefined, at: number) => {
    if (piece.startsWith('**')) return at + piece.length === text.length ? '.*' : '(.*/)?'
    if (piece === '*') return '[^/]*'
    if (piece === '?') return '[^/]'
    if (escaped !== undefined) return literal(escaped)
    return '[]^-'.includes(piece) ? piece : literal(piece)
  })
}

const literal = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')

function refused(pattern: string): OperatorError {
  return new OperatorError(
    `.dockerignore: “${pattern}” is no pattern that Docker takes`,
    'Correct that line.',
    'nothing was changed.',
  )
}
