/** One line on the terminal, drawn anew while something is at work: what it is, for how long, and what it is just doing. */
import process from 'node:process'
import { stripVTControlCharacters } from 'node:util'

/** Tells what a step is just doing; each one in place of the one before. */
export type Doing = (now: string) => void

/** Milliseconds between two drawings. */
const INTERVAL = 250
/** Where the terminal does not say how wide it is. */
const COLUMNS = 80

/** Whether lines can be drawn anew. */
export const drawable = process.stderr.isTTY === true && process.env.TERM !== 'dumb'

/** Empties the line; the cursor stands at its beginning then, so that whoever prints next prints over it. */
export const CLEAR = drawable ? '\r\u001b[K' : ''

/** Draws the line until the function that it returns is called; without a terminal nothing is drawn. */
export function live(title: string, now: () => string = () => ''): () => void {
  if (!drawable) return () => {}
  const began = performance.now()
  const draw = () => {
    const text = lineOf(title, performance.now() - began, now(), process.stderr.columns || COLUMNS)
    process.stderr.write(`${CLEAR}${text}\r`)
  }
  draw()
  const timer = setInterval(draw, INTERVAL)
  return () => {
    clearInterval(timer)
    process.stderr.write(CLEAR)
  }
}

/** `  Application … 12 s: build 3/5 Collecting flask`, in no more than the columns. */
export function lineOf(title: string, milliseconds: number, now: string, columns: number): string {
  const said = stripVTControlCharacters(now).replaceAll(/\s+/g, ' ').trim()
  const text = `  ${title} … ${Math.floor(milliseconds / 1000)} s${said && `: ${said}`}`
  const letters = [...text]
  // In the last column some terminals begin another line.
  return letters.length < columns ? text : `${letters.slice(0, columns - 2).join('')}…`
}
