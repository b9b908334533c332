/**
 * What a script prints, told apart from what a login prints: startup files, banners and wrappers have their say on the
 * same two streams. A mark that nobody else knows stands before and behind the script's own output.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { say } from './say.mts'
import type { Script } from './shell.mts'

const PRELUDE = readFileSync(path.resolve(import.meta.dirname, '../remote/prelude.sh'), 'utf8')

/** A line that this process alone prints. */
const MARK = `prusa-${randomUUID()}`

/** What came over one stream. */
export interface Heard {
  /** Whether the script began. */
  began: boolean
  /** Whether it came to its end. */
  done: boolean
  /** What the script printed. */
  text: string
  /** The whole lines of it. */
  lines: string[]
}

/**
 * The script as bash gets it on its standard input. Braces make bash read the whole of it before it runs any.
 * @param takesInput whether what follows on the standard input is for the script; else no command in it can eat the rest
 * @param guard      comes first, and keeps descriptor 8 for itself: what the script leaves running must not hold a lock
 */
export function framed(script: Script, takesInput = false, guard?: Script): string {
  const mark = `echo ${MARK}; echo ${MARK} >&2`
  const body = `( set -euo pipefail\n${script.text}\n) 8>&-`
  return `{ ${PRELUDE}\n${mark}\n${guard?.text ?? ''}\n${body}\ncode=$?\n${mark}\nexit $code\n}${takesInput ? '' : ' </dev/null'}\n`
}

/** The script's own part of what came over a stream until now. */
export function unframed(stream: string): Heard {
  const [, text = '', rest] = stream.split(`${MARK}\n`)
  const done = rest !== undefined
  const lines = (done && text ? `${text.replace(/\n$/, '')}\n` : text).split('\n').slice(0, -1)
  return { began: stream.includes(`${MARK}\n`), done, text, lines }
}

/** The lines that a script prints, as they come. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let began = false
  for await (const line of createInterface({ input: stream })) {
    const marked = line.endsWith(MARK)
    const own = marked ? line.slice(0, -MARK.length) : line
    if (began && (own || !marked)) yield own
    if (began && marked) return
    began ||= marked
  }
}

/** Shows on standard error what a script prints, line by line as it comes. */
export function echo(): (stream: string, all: string) => void {
  const shown: Record<string, number> = {}
  return (stream, all) => {
    const { lines } = unframed(all)
    for (const line of lines.slice(shown[stream] ?? 0)) say(line)
    shown[stream] = lines.length
  }
}
