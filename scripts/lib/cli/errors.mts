/**
 * Three kinds of errors. The operator's (OperatorError) and a command's (CommandError) print themselves as
 * text a person can act on; anything else is a bug and keeps its stack trace.
 */
import { inspect } from 'node:util'

/** Something the operator can put right: what happened, what state things are in, what to type next. */
export class OperatorError extends Error {
  /**
   * @param what  what happened, one sentence
   * @param next  the remedy or the next command to type
   * @param state what was left behind; empty when nothing was touched
   */
  constructor(
    readonly what: string,
    readonly next = '',
    readonly state = '',
  ) {
    super(what)
    this.name = 'OperatorError'
  }

  // The zx command prints what a script throws by console.error, which asks for this.
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

/** What was typed is no call of the script: nothing was contacted. Exit code 2. */
export class WrongCall extends OperatorError {
  constructor(what: string, next = 'See --help.') {
    super(what, next)
  }
}

/** What the application itself is the reason of. */
export class ApplicationFails extends OperatorError {}

const SEE_MORE = 'The lines above are the command’s own; run again with --verbose to see everything.'
const DISK_FULL =
  'The server’s disk is full: free some of it (apt-get clean; docker image prune) and run again.'
const ENGINE_DOWN = 'The Docker Engine does not answer; this starts it: npx zx scripts/01-server.mts'

/** What helps against a failure that many commands have in common. */
function remedyFor(output: string): string {
  if (/no space left on device/i.test(output)) return DISK_FULL
  return /Cannot connect to the Docker daemon/i.test(output) ? ENGINE_DOWN : SEE_MORE
}

/** A command that failed on the server: what it was for, its exit code and the end of what it printed. */
export class CommandError extends OperatorError {
  constructor(
    readonly purpose: string,
    readonly exitCode: number | null,
    readonly output: string,
    next = remedyFor(output),
  ) {
    super(
      `${purpose}: ${exitCode === null ? 'not done within its deadline' : `failed with exit code ${exitCode}`}\n${indent(withoutPasswords(lastLines(output, 25)))}`,
      next,
    )
    this.name = 'CommandError'
  }
}

/** Characters of a line that are shown; what is longer is for programs, not for people. */
const LINE = 400

/** The last `count` lines of a text that are not empty. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .map((line) => (line.length > LINE ? `${line.slice(0, LINE)} …` : line))
    .join('\n')
}

/** A text without the passwords of the URIs in it: applications log their DATABASE_URI. */
export function withoutPasswords(text: string): string {
  return text.replace(/(:\/\/[^\s:/@]*:)[^\s@]+@/g, '$1***@')
}

export function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
