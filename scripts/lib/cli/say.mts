/** What a person reads: progress on standard error, one sentence a step with its duration; results on standard output. */
import process from 'node:process'
import { styleText } from 'node:util'

const terminal = process.stderr.isTTY === true && process.env.NO_COLOR === undefined
export type Format = Parameters<typeof styleText>[0]
const paint = (format: Format, text: string) => styleText(format, text, { stream: process.stderr })

/** For a result: standard output may be a file while standard error is a terminal. */
export const painted = (format: Format, text: string) => styleText(format, text, { stream: process.stdout })

export const green = (text: string) => paint('green', text)
export const red = (text: string) => paint('red', text)

/** One line of progress, on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

export function warn(line: string): void {
  say(`${paint('yellow', '!')} ${line}`)
}

/** One line of result, on standard output. */
export function result(line: string): void {
  process.stdout.write(`${line}\n`)
}

/**
 * Runs one step and says how it went: `✓ TITLE: DETAIL (1.2 s)`.
 * @param title what is done, in the user's words
 * @param work  does it; the text it returns becomes the detail
 */
export async function step(title: string, work: () => Promise<string>): Promise<void> {
  const started = performance.now()
  if (terminal) process.stderr.write(`  ${title} …`)
  const clear = terminal ? '\r\u001b[K' : ''
  try {
    const detail = await work()
    say(`${clear}${green('✓')} ${title}: ${detail} (${seconds(performance.now() - started)})`)
  } catch (error) {
    say(`${clear}${red('✗')} ${title} (${seconds(performance.now() - started)})`)
    throw error
  }
}

/** Milliseconds as people read them: `0.4 s`, `12.1 s`, `3 min 5 s`. */
export function seconds(milliseconds: number): string {
  const tenths = Math.round(milliseconds / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const whole = Math.round(tenths / 10)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** `a`, `a and b`, `a, b and c`. */
export const list = (items: readonly string[]) => AND.format(items)
const AND = new Intl.ListFormat('en-GB')

/** `1 replica`, `2,000 replicas`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** The text as the beginning of a sentence. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
