/** A line on the terminal that shows what is running, for how long, and what it is doing. It is drawn anew until that ends. */
import process from 'node:process'
import { stripVTControlCharacters } from 'node:util'

/** Reports what a step is doing now. A new report replaces the one before. */
export type Doing = (now: string) => void

/** Milliseconds between two drawings. */
const INTERVAL = 250
/** The width of a terminal that does not report its width. */
const COLUMNS = 80

/** Whether the terminal can draw a line anew. */
const drawable = process.stderr.isTTY === true && process.env.TERM !== 'dumb'

/** Empties the line and moves the cursor to its beginning, so that the next output takes its place. */
export const CLEAR = drawable ? '\r\u001b[K' : ''

/** Draws the line until the returned function is called. Draws nothing without a terminal. */
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

/** `  Application … 12 s: build 3/5 Collecting flask`, cut to the width of the terminal. */
export function lineOf(title: string, milliseconds: number, now: string, columns: number): string {
  const said = stripVTControlCharacters(now).replaceAll(/\s+/g, ' ').trim()
  const text = `  ${title} … ${Math.floor(milliseconds / 1000)} s${said && `: ${said}`}`
  const letters = [...text]
  // Some terminals begin a new line after the last column.
  return letters.length < columns ? text : `${letters.slice(0, columns - 2).join('')}…`
}
