/** Output for people. Progress goes to standard error, a line for each step. Results go to standard output. */
import process from 'node:process'
import { styleText } from 'node:util'

const terminal = process.stderr.isTTY === true && process.env.NO_COLOR === undefined
export type Format = Parameters<typeof styleText>[0]
const paint = (format: Format, text: string) => styleText(format, text, { stream: process.stderr })

/** Text of a result in colour. It has no colour when standard output is a file, also when standard error is a terminal. */
export const painted = (format: Format, text: string) => styleText(format, text, { stream: process.stdout })

export const green = (text: string) => paint('green', text)
export const red = (text: string) => paint('red', text)

/** One line of progress, on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** A warning, on standard error: `! LINE`. */
export function warn(line: string): void {
  say(`${paint('yellow', '!')} ${line}`)
}

/** One line of result, on standard output. */
export function result(line: string): void {
  process.stdout.write(`${line}\n`)
}

/**
 * Runs one step and prints its result: `✓ TITLE: DETAIL (1.2 s)`, or `✗ TITLE (1.2 s)` when the work fails.
 * @param title the part of the server or of the stack that the step is about
 * @param work  its result becomes the detail; its error is thrown on
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

/** A duration in milliseconds as text: `0.4 s`, `12.1 s`, `3 min 5 s`, `7 h 2 min`, `12 d 3 h`. */
export function seconds(milliseconds: number): string {
  const tenths = Math.round(milliseconds / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const whole = Math.round(tenths / 10)
  const [minutes, hours] = [Math.floor(whole / 60), Math.floor(whole / 3600)]
  if (hours < 1) return `${minutes} min ${whole % 60} s`
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** `a`, `a and b`, `a, b and c`. */
export const list = (items: readonly string[]) => AND.format(items)
const AND = new Intl.ListFormat('en-GB')

/** `1 replica`, `2,000 replicas`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** The text with a capital letter at its beginning. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
