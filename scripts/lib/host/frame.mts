/**
 * What a script prints, told apart from what a login prints: startup files, banners and wrappers have their say on the
 * same two streams. A mark that nobody else knows stands before and behind the script's own output.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { type Readable, Transform } from 'node:stream'
import type { Output } from './process.mts'
import type { Script } from './shell.mts'

/** What a bash is given first, before any script. */
export const OPENING = readFileSync(path.resolve(import.meta.dirname, '../../remote/prelude.sh'), 'utf8')

/** A line of its own before what a script prints; the same with the script's exit code stands behind it. */
const MARK = `prusa-${randomUUID()}`
const BEGIN = `${MARK}\n`
const END = new RegExp(`${MARK} (\\d+)\n`)

/** What came over one stream. */
export interface Heard {
  /** Whether the script began. */
  began: boolean
  /** The exit code, when it came to its end. */
  code: number | undefined
  /** What the script printed. */
  text: string
  /** The whole lines of it. */
  lines: string[]
}

/** What a script has for its standard input: nothing, bash's own, or that and bash ends with the script. */
export type Input = 'none' | 'tied' | 'last'

/**
 * The script as bash gets it on its standard input, behind the opening. Braces make bash read the whole of it before it
 * runs any; in a shell below, nothing of it is left for the script that comes after it. What it leaves running must not
 * print: that would be the next one's.
 * @param input without any, no command in it can eat what follows
 * @param guard comes first, and keeps descriptor 8 for itself: what the script leaves running must not hold a lock
 */
export function framed(script: Script, input: Input = 'none', guard?: Script): string {
  const body = `( SECONDS=0; set -euo pipefail\n${script.text}\n)`
  const guarded = guard ? `(${guard.text}\n${body} 8>&-\n)` : body
  const end = `code=$?\necho "${MARK} $code"; echo "${MARK} $code" >&2`
  return `{ echo ${MARK}; echo ${MARK} >&2\n${guarded}\n${end}\n${END_OF[input]}\n`
}

const END_OF: Record<Input, string> = { none: '} </dev/null', tied: '}', last: 'exit $code\n}' }

/**
 * The script as bash gets it by -c: its standard input is a person's. Nothing marks its end: what it prints may be anything.
 * @param marked whether its beginning is: where no terminal shows it
 */
export function headed(script: Script, marked: boolean): string {
  const mark = marked ? `echo ${MARK}; echo ${MARK} >&2` : ''
  return `${OPENING}\n${mark}\nset -euo pipefail\n${script.text}`
}

/** Lets through what a script prints of {@link headed}, byte for byte, and nothing of what the login did before. */
export function behindHead(): Transform {
  let before: Buffer | undefined = Buffer.alloc(0)
  return new Transform({
    transform(data: Buffer, _, done) {
      if (!before) return done(null, data)
      before = Buffer.concat([before, data])
      const at = before.indexOf(BEGIN)
      if (at < 0) return done()
      const own = before.subarray(at + BEGIN.length)
      before = undefined
      done(null, own)
    },
  })
}

/** The script's own part of what came over a stream until now. */
export function unframed(stream: string): Heard {
  const from = stream.indexOf(BEGIN)
  const rest = from < 0 ? '' : stream.slice(from + BEGIN.length)
  const end = END.exec(rest)
  const text = rest.slice(0, end?.index)
  const lines = (end && text ? `${text.replace(/\n$/, '')}\n` : text).split('\n').slice(0, -1)
  return { began: from >= 0, code: end ? Number(end[1]) : undefined, text, lines }
}

/** Characters that come over a pipe at once, at most, and a line. */
const CHUNK = (1 << 16) + 100

/** Whether the script has ended whose output this is until now; asked at each piece that comes. */
export function coded(stream: string): boolean {
  return END.test(stream.slice(-CHUNK))
}

/** The lines that a script prints, as they come. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let began = false
  for await (const line of createInterface({ input: stream })) {
    const end = END.exec(`${line}\n`)
    const own = line.slice(0, end?.index)
    if (began && (own || !end)) yield own
    if (began && end) return
    began ||= line.endsWith(MARK)
  }
}

/** Gives on what a script prints, line by line as it comes. */
export function lineByLine(stream: 'stdout' | 'stderr', hear: (line: string) => void): (now: Output) => void {
  let heard = 0
  return (now) => {
    const { lines } = unframed(now[stream])
    for (const line of lines.slice(heard)) hear(line)
    heard = lines.length
  }
}
