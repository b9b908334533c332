/**
 * The requirements files of an application, and their lines. pip decides what a line means. Here only the names of files
 * matter, so that they are copied, and the line numbers, for messages.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'

export interface Line {
  /** Path of its file below the application's folder. */
  file: string
  /** Number of its first line; a backslash joins several lines. */
  number: number
  text: string
}

/** A line that includes another file: `-r base.txt`, `--constraint=limits/all.txt`. */
const INCLUDE = /^(?:-r|-c|--requirement|--constraint)[\s=]*["']?(.+?)["']?$/
/** Line ends of Python's splitlines(). */
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/
const COMMENT = /(^|\s+)#.*$/

/** A requirement by name, with extras, versions, marker and options. */
const BY_NAME = /^[a-z0-9][\w.-]*\s*(\[[^\]]*\])?\s*($|[<>=!~(;]|--)/i
const ARCHIVE = /^[^\s;]*\.(whl|zip|tar|tgz|tbz|tlz|txz|tar\.\w+)(\[|;|\s|$)/i
const BY_URL =
  /^((-e|--editable|-f|--find-links)[\s=]*)?([a-z0-9][\w.-]*\s*(\[[^\]]*\])?\s*@\s*)?(\w+\+)?(https?|ssh|git):/i
const OPTION = /^--(no-index|pre|require-hashes|(no|only|prefer)-binary|trusted-host|use-feature)\b/
const INDEX = /^(-i|--(extra-)?index-url)[\s=]*https?:/

/** The lines of a requirements file and of the files that it includes, in pip's order. */
export function requirementLines(
  folder: string,
  file = 'requirements.txt',
  seen = new Set<string>(),
): Line[] {
  const name = path.posix.normalize(file)
  if (seen.has(name) || !isFile(path.join(folder, name))) return []
  seen.add(name)
  return joined(decode(readFileSync(path.join(folder, name)))).flatMap(({ number, text }) => {
    const other = included(name, text)
    return [{ file: name, number, text }, ...(other ? requirementLines(folder, other, seen) : [])]
  })
}

/** The files that pip reads, and the targets of links among them, as paths below the folder. */
export function requirementFiles(folder: string): string[] {
  const named = requirementLines(folder).map(({ file, text }) => included(file, text))
  const all = ['requirements.txt', ...named.filter((name) => name !== undefined)]
  const there = all.filter((name) => !name.startsWith('../') && isFile(path.join(folder, name)))
  return [...new Set(there.flatMap((name) => [name, ...linked(folder, name)]))]
}

/** The file of the application to which a link leads. */
function linked(folder: string, name: string): string[] {
  const target = path.relative(realpathSync(folder), realpathSync(path.join(folder, name)))
  return target === name || target.startsWith('../') ? [] : [target]
}

/** The file that a line includes, as a path below the application's folder; undefined for one that pip downloads. */
export function included(file: string, text: string): string | undefined {
  const name = INCLUDE.exec(text)?.[1]
  if (!name || /^[a-z]+:/i.test(name)) return undefined
  return path.posix.normalize(path.isAbsolute(name) ? name : path.posix.join(path.posix.dirname(file), name))
}

/** Whether a line needs no file or folder of the application, only downloads. */
export function needsNoFile(text: string): boolean {
  if (INCLUDE.test(text)) return !/\bfile:/i.test(text)
  return [OPTION, INDEX, BY_URL].some((one) => one.test(text)) || (BY_NAME.test(text) && !ARCHIVE.test(text))
}

/** The line of a requirement with that name. */
export function placeOf(lines: readonly Line[], name: string): Line | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_.]+/g, '-')
  return lines.find(({ text }) => plain(/^[\w.-]+/.exec(text)?.[0] ?? '') === plain(name))
}

const isFile = (file: string) => existsSync(file) && statSync(file).isFile()

function decode(bytes: Buffer): string {
  const [first, second] = bytes
  const utf16 =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : ''
  return new TextDecoder(utf16 || 'utf-8').decode(bytes)
}

/** Logical lines: joined after a backslash, without comments and empty lines. */
function joined(text: string): { number: number; text: string }[] {
  const lines: { number: number; text: string; open: boolean }[] = []
  text.split(LINE_END).forEach((line, index) => {
    const last = lines.at(-1)
    const open = line.endsWith('\\') && !COMMENT.test(line)
    const piece = open ? line.replace(/\\+$/, '') : COMMENT.test(line) ? ` ${line}` : line
    if (last?.open) Object.assign(last, { text: last.text + piece, open })
    else lines.push({ number: index + 1, text: piece, open })
  })
  return lines
    .map(({ number, text }) => ({ number, text: text.replace(COMMENT, '').trim() }))
    .filter(({ text }) => text !== '')
}
