/** A server that cannot be worked on: what is in the way, and how to look into it. */
import { OperatorError } from '../cli/errors.mts'
import type { Host } from './host.mts'

export const NOTHING_CHANGED = 'nothing was changed.'
/** Of a server that was lost on the way. */
export const GOES_ON = 'what was done until now stays, and what runs keeps running.'

/** The exit code of an ssh that failed itself. */
export const SSH_FAILED = 255

/**
 * @param output what was said when a shell was asked for there, on both streams
 * @param state  what is left behind
 */
export function outOfReach(
  host: Host,
  exitCode: number | null,
  output: string,
  state: string,
): OperatorError {
  const said = output.trim().split('\n').at(-1) ?? ''
  if (/^(sudo|.* sudo): /m.test(output))
    return new OperatorError(
      `The login on ${host.name} is neither root nor has passwordless sudo (${said})`,
      `Log in as root, or let the user run sudo without a password.`,
      state,
    )
  if (/Permission denied/.test(output))
    return new OperatorError(
      `${host.name} refused the login: no key of yours opens it (${said})`,
      `Try it by hand: ${host.loginCommand} true. Give ssh the right key by IdentityFile in ~/.ssh/config or by ssh-add.`,
      state,
    )
  if (host.local)
    return new OperatorError(
      `A shell on this machine does not run: ${said || 'no answer'}`,
      'Try it by hand: bash -c true',
      state,
    )
  if (exitCode !== SSH_FAILED && exitCode !== null)
    return new OperatorError(
      `${host.name} lets us in, but the login runs no command: ${said || `exit code ${exitCode}, without a word`}`,
      `See what it does: ${host.loginCommand} true. Look at the login shell (getent passwd) and at .bashrc and .profile.`,
      state,
    )
  return new OperatorError(
    `${host.name} cannot be reached: ${said || 'no answer'}`,
    `Check name, port and firewall by hand: ${host.loginCommand} true`,
    state,
  )
}

/** The connection ended in the middle of a script. @param stderr what was said last */
export function cutOff(host: Host, stderr: string): OperatorError {
  const said = stderr.trim().split('\n').at(-1) ?? ''
  return new OperatorError(
    `The connection to ${host.name} was cut: ${said || 'ssh does not say why'}`,
    'The same command again: it finds what is there and continues.',
    `the step that was under way may be done or not; ${GOES_ON}`,
  )
}
