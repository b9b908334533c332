/** The error for a server on which no script can run: the reason, and how to find out more. */
import { OperatorError } from '../cli/errors.mts'
import type { Connection } from './connection.mts'

/** The state after a connection was lost. */
export const GOES_ON = 'what was done before stays done, and what runs keeps running.'

/** The exit code of ssh when ssh itself fails. */
export const SSH_FAILED = 255

/**
 * The error for a server that started no shell.
 * @param output what came on both streams
 * @param state  the state that the error reports
 */
export function unreachable(
  { name, local, loginCommand }: Connection,
  exitCode: number | null,
  output: string,
  state: string,
): OperatorError {
  const said = output.trim().split('\n').at(-1) ?? ''
  const error = (what: string, next: string) => new OperatorError(what, next, state)
  if (/^(sudo|.* sudo): /m.test(output))
    return error(
      `The login on ${name} is neither root nor has passwordless sudo (${said})`,
      `Log in as root, or let the user run sudo without a password.`,
    )
  if (/Permission denied/.test(output))
    return error(
      `${name} refused the login: no key of yours opens it (${said})`,
      `Try it by hand: ${loginCommand} true. Give ssh the right key by IdentityFile in ~/.ssh/config or by ssh-add.`,
    )
  if (local)
    return error(
      `A shell on this machine does not run: ${said || 'no answer'}`,
      'Try it by hand: bash -c true',
    )
  if (exitCode !== SSH_FAILED && exitCode !== null)
    return error(
      `${name} lets us in, but the login runs no command: ${said || `exit code ${exitCode}, without a word`}`,
      `See what it does: ${loginCommand} true. Look at the login shell (getent passwd) and at .bashrc and .profile.`,
    )
  return error(
    `${name} cannot be reached: ${said || 'no answer'}`,
    `Check name, port and firewall by hand: ${loginCommand} true`,
  )
}

/** The error for a connection that ended during a script. @param stderr what came on standard error */
export function connectionCut({ name }: Connection, stderr: string): OperatorError {
  const said = stderr.trim().split('\n').at(-1) ?? ''
  return new OperatorError(
    `The connection to ${name} was cut: ${said || 'ssh does not say why'}`,
    'Run the same command again: it continues where this run ended.',
    `the current step may be done or not; ${GOES_ON}`,
  )
}
