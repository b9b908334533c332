/**
 * Tells the output of a script from the output of the login, whose startup files, banners and wrappers print to the same
 * two streams. A random mark comes before and after the output of the script.
 */
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { type Readable, Transform } from 'node:stream'
import type { Output } from './process.mts'
import { remoteText, type Script } from './shell.mts'

/** The first input of each bash, before any script. */
export const OPENING = remoteText('prelude.sh')

/** The line before the output of a script. The line after it is the mark and the script's exit code. */
const MARK = `prusa-${randomUUID()}`
const BEGIN = `${MARK}\n`
const END = new RegExp(`${MARK} (\\d+)\n`)

/** The output of a script on one stream. */
interface Part {
  /** Whether the script began. */
  began: boolean
  /** The exit code, once the script has ended. */
  code: number | undefined
  /** All that the script printed. */
  text: string
  /** Its complete lines. */
  lines: string[]
}

/**
 * The standard input of a script. `none`: it is empty. `tied`: it is bash's own. `last`: it is bash's own, and bash ends
 * with the script.
 */
export type Input = 'none' | 'tied' | 'last'

/**
 * The script as bash reads it from its standard input, after the opening. The braces make bash read all of it before it
 * runs any of it. A subshell runs it, so it leaves nothing to the next script. A process that the script leaves running
 * must print nothing, since that would become output of the next script.
 * @param input with `none`, no command of the script can read the script that follows
 * @param guard runs first. The script does not inherit its descriptor 8, so what it leaves running holds no lock.
 */
export function framed(script: Script, input: Input = 'none', guard?: Script): string {
  const body = `( SECONDS=0; set -euo pipefail\n${script.text}\n)`
  const guarded = guard ? `(${guard.text}\n${body} 8>&-\n)` : body
  const end = `code=$?\necho "${MARK} $code"; echo "${MARK} $code" >&2`
  return `{ echo ${MARK}; echo ${MARK} >&2\n${guarded}\n${end}\n${END_OF[input]}\n`
}

const END_OF: Record<Input, string> = { none: '} </dev/null', tied: '}', last: 'exit $code\n}' }

/**
 * The script as bash gets it by -c, when standard input is a person's. No mark follows its output, which may be anything.
 * @param marked whether a mark comes before its output: only when no terminal shows the mark
 */
export function headed(script: Script, marked: boolean): string {
  const mark = marked ? `echo ${MARK}; echo ${MARK} >&2` : ''
  return `${OPENING}\n${mark}\nset -euo pipefail\n${script.text}`
}

/** A filter that removes the login's output before the mark of {@link headed}, and passes the script's on unchanged. */
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

/** The script's part of the text that has come over a stream until now. */
export function unframed(stream: string): Part {
  const from = stream.indexOf(BEGIN)
  const rest = from < 0 ? '' : stream.slice(from + BEGIN.length)
  const end = END.exec(rest)
  const text = rest.slice(0, end?.index)
  const lines = (end && text ? `${text.replace(/\n$/, '')}\n` : text).split('\n').slice(0, -1)
  return { began: from >= 0, code: end ? Number(end[1]) : undefined, text, lines }
}

/** Characters at the end of a stream that can hold a new mark: as many as a pipe brings at once, and a line. */
const CHUNK = (1 << 16) + 100

/** Whether the script has ended. It is called for each piece of output, so it reads only the end of the text. */
export function hasEnded(stream: string): boolean {
  return END.test(stream.slice(-CHUNK))
}

/** The lines that a script prints, each as soon as it is complete. */
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

/** A listener that passes on each line of a script's output as soon as it is complete. */
export function lineByLine(stream: 'stdout' | 'stderr', hear: (line: string) => void): (now: Output) => void {
  let heard = 0
  return (now) => {
    const { lines } = unframed(now[stream])
    for (const line of lines.slice(heard)) hear(line)
    heard = lines.length
  }
}
