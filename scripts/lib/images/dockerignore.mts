/**
 * The files that a .dockerignore excludes, by the rules of Docker's reader and matcher (github.com/moby/patternmatcher). A
 * test compares the result with Docker's.
 */
import path from 'node:path'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'

interface Pattern {
  /** Whether it includes again (`!`) what an earlier pattern excludes. */
  back: boolean
  /** Without `!` and a leading slash, normalized. */
  text: string
  matches: (name: string) => boolean
}

/** Whether a name is excluded; the names below it depend on this. */
export interface Judgement {
  out: boolean
  /** For each pattern, whether it matches the name or a folder above it. */
  matched: boolean[]
}

export class Dockerignore {
  readonly #patterns: Pattern[]

  /** @throws OperatorError for a pattern that Docker refuses */
  constructor(text: string) {
    this.#patterns = text
      .replace(/^\ufeff/, '')
      .split('\n')
      .flatMap(parse)
  }

  /** @param above the judgement of the folder that contains it; undefined at the top */
  judge(name: string, above?: Judgement): Judgement {
    let out = false
    const matched = this.#patterns.map(({ back, matches }, index) => {
      // As in Docker, a pattern that cannot change the result is not tried, and does not count for the names below.
      const match = above?.matched[index] || (back === out && matches(name))
      if (match) out = !back
      return match
    })
    return { out, matched }
  }

  /** Whether a pattern may include something of an excluded folder again. */
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

/** Go's filepath.Clean, without a leading slash. */
function clean(text: string): string {
  if (text === '') return ''
  const short = path.posix.normalize(text)
  return short.length > 1 ? short.replace(/\/$/, '').replace(/^\//, '') : short
}

/** A leading or trailing `**` matches any text, even part of a name; a pattern without wildcards matches its own text. */
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
    `.dockerignore: Docker does not accept the pattern “${pattern}”`,
    'Correct that line.',
    NOTHING_CHANGED,
  )
}
