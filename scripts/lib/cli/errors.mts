/**
 * Three kinds of errors. An OperatorError and a CommandError print themselves as text that a person can act on.
 * Any other error is a bug and keeps its stack trace.
 */
import { inspect } from 'node:util'

/** The state after an error that came before any change. */
export const NOTHING_CHANGED = 'nothing was changed.'

/** An error that the operator can correct. It says what happened, what state things are in and what to type next. */
export class OperatorError extends Error {
  /**
   * @param what  what happened, one sentence
   * @param next  the remedy or the next command to type
   * @param state what the script has done or left; empty when the state needs no words
   */
  constructor(
    readonly what: string,
    readonly next = '',
    readonly state = '',
  ) {
    super(what)
    this.name = 'OperatorError'
  }

  // zx prints an error by console.error, which calls this.
  [inspect.custom](): string {
    return [
      '',
      `✗ ${this.what}`,
      this.state && `  State: ${this.state}`,
      this.next && `  Next:  ${this.next}`,
      '',
    ]
      .filter((line, index) => index === 0 || line)
      .join('\n')
  }
}

/** A flag or a word that the script does not take. Nothing was contacted. Exit code 2. */
export class WrongCall extends OperatorError {
  constructor(what: string, next = 'See --help.') {
    super(what, next)
  }
}

/** A failure that the application itself causes. */
export class ApplicationFails extends OperatorError {}

const SEE_MORE = 'The lines above are the last that the command printed. With --verbose you see all of them.'
const DISK_FULL =
  'The server’s disk is full: npm run status names it, and what takes its space. Free some (apt-get clean; docker image prune), then run again.'
const NO_ENGINE = 'There is no Docker Engine yet: npm run deploy'
const ENGINE_DOWN = 'The Docker Engine does not answer. Start it: npx zx scripts/01-server.mts'

export const isDiskFull = (output: string) => /no space left on device/i.test(output)

/** The remedy for a failure that any command can have; for other failures, how to see more. */
function remedyFor(output: string): string {
  if (isDiskFull(output)) return DISK_FULL
  if (/docker: command not found/.test(output)) return NO_ENGINE
  return /Cannot connect to the Docker daemon/i.test(output) ? ENGINE_DOWN : SEE_MORE
}

/** A command that failed. The text says the command's purpose and exit code, and shows the last 25 lines of its output. */
export class CommandError extends OperatorError {
  /**
   * @param purpose  what the command was for: `Installing packages`
   * @param exitCode null: the command did not end before its deadline
   * @param output   all that it printed
   */
  constructor(
    readonly purpose: string,
    readonly exitCode: number | null,
    readonly output: string,
    next = remedyFor(output),
  ) {
    super(
      `${purpose}: ${exitCode === null ? 'did not end before its deadline' : `failed with exit code ${exitCode}`}\n${indent(withoutPasswords(lastLines(output, 25)))}`,
      next,
    )
    this.name = 'CommandError'
  }
}

/** Characters of a line that are shown: nobody reads a longer one. */
const LINE = 400

/** The last `count` lines of a text. Empty lines do not count, and long lines are cut. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .map((line) => (line.length > LINE ? `${line.slice(0, LINE)} …` : line))
    .join('\n')
}

/** Replaces the passwords of all URIs in a text by `***`: applications log their DATABASE_URI. */
export function withoutPasswords(text: string): string {
  return text.replace(/(:\/\/[^\s:/@]*:)[^\s@]+@/g, '$1***@')
}

/** Indents every line by four blanks. */
export function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
