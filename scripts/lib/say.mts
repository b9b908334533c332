/** What a person reads: progress on standard error, one sentence a step with its duration; results on standard output. */
import process from 'node:process'

const terminal = process.stderr.isTTY === true && process.env.NO_COLOR === undefined
const paint = (code: number, text: string) => (terminal ? `\u001b[${code}m${text}\u001b[0m` : text)

export const green = (text: string) => paint(32, text)
export const red = (text: string) => paint(31, text)
export const bold = (text: string) => paint(1, text)

/** One line of progress, on standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

export function warn(line: string): void {
  say(`${paint(33, '!')} ${line}`)
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
export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`
}

/** `1 replica`, `2 replicas`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** The text as the beginning of a sentence. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
