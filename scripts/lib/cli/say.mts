/** Output for people. Progress goes to standard error, a line for each step. Results go to standard output. */
import { AsyncLocalStorage } from 'node:async_hooks'
import process from 'node:process'
import { styleText } from 'node:util'
import { CLEAR, type Doing, live } from './live.mts'

export type Format = Parameters<typeof styleText>[0]
const paint = (format: Format, text: string) => styleText(format, text, { stream: process.stderr })

/** Text of a result in colour. It has no colour when standard output is a file, also when standard error is a terminal. */
export const painted = (format: Format, text: string) => styleText(format, text, { stream: process.stdout })

export const green = (text: string) => paint('green', text)
export const red = (text: string) => paint('red', text)

/** The host that the work at hand is about, while the same is done on several. */
const about = new AsyncLocalStorage<string>()

/** Does the work; each line of progress that it prints begins with the name. */
export const prefixed = <T,>(name: string, work: () => Promise<T>): Promise<T> => about.run(name, work)

/** One line of progress, on standard error. */
export function say(line: string): void {
  const name = about.getStore()
  process.stderr.write(`${CLEAR}${name ? line.replaceAll(/^(?=.)/gm, `${name}  `) : line}\n`)
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
 * Runs one step and prints its result: `✓ TITLE: DETAIL (1.2 s)`, or `✗ TITLE (1.2 s)` when the work fails. While it
 * runs, a terminal shows what it is just doing.
 * @param title the part of the server or of the stack that the step is about
 * @param work  may tell what it is just doing; its result becomes the detail; its error is thrown on
 */
export async function step(title: string, work: (doing: Doing) => Promise<string>): Promise<void> {
  const started = performance.now()
  let now = ''
  // Lines of several hosts would draw over each other.
  const end = about.getStore() ? () => {} : live(title, () => now)
  const took = () => seconds(performance.now() - started)
  const proceed = whenInterrupted(() => `${title}: interrupted (${took()})`)
  try {
    const detail = await work((what) => {
      now = what
    })
    end()
    say(`${green('✓')} ${title}: ${detail} (${took()})`)
  } catch (error) {
    end()
    say(`${red('✗')} ${title} (${took()})`)
    throw error
  } finally {
    proceed()
  }
}

/**
 * Prints what Ctrl-C has interrupted, until the returned function is called.
 * @param what returns the text of the line
 */
export function whenInterrupted(what: () => string): () => void {
  const tell = () => {
    say(`${red('✗')} ${what()}`)
    // With a listener, SIGINT no longer ends the process by itself.
    if (process.listenerCount('SIGINT') === 0) process.exit(130)
  }
  process.prependOnceListener('SIGINT', tell)
  return () => process.off('SIGINT', tell)
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

/** `4.3 MB`. */
export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/** `1 replica`, `2,000 replicas`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** The text with a capital letter at its beginning. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
