/** A server that cannot be worked on: what is in the way, and how to look into it. */
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'

const NOTHING_CHANGED = 'nothing was changed.'

/** @param stderr what was said when a shell was asked for there */
export function outOfReach(host: Host, stderr: string): OperatorError {
  const said = stderr.trim().split('\n').at(-1) ?? ''
  if (/sudo:/.test(stderr))
    return new OperatorError(
      `The login on ${host.name} is neither root nor has passwordless sudo (${said})`,
      `Log in as root, or let the user run sudo without a password.`,
      NOTHING_CHANGED,
    )
  if (/Permission denied/.test(stderr))
    return new OperatorError(
      `${host.name} refused the login: no key of yours opens it (${said})`,
      `Try it by hand: ssh ${host.address} true. Give ssh the right key by -i in ~/.ssh/config or by ssh-add.`,
      NOTHING_CHANGED,
    )
  if (host.local)
    return new OperatorError(
      `A shell on this machine does not run: ${said || 'no answer'}`,
      'Try it by hand: bash --norc -c true',
      NOTHING_CHANGED,
    )
  return new OperatorError(
    `${host.name} cannot be reached: ${said || 'no answer'}`,
    `Check name, port and firewall by hand: ssh ${host.address} true`,
    NOTHING_CHANGED,
  )
}
