/** The server's users: they log in by their keys and by nothing else. */

import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import type { User } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'

/**
 * Creates or completes the users of the configuration.
 * @returns what it changed, a few words each
 * @throws OperatorError with the problems that only a person can decide
 */
export async function applyUsers(host: Host, users: User[]): Promise<string[]> {
  const lines = await host.lines('Preparing the users', usersScript(users))
  const problems = lines.filter((line) => line.startsWith(PROBLEM)).map((line) => line.split('\t'))
  const changes = lines.filter((line) => !line.startsWith(PROBLEM))
  if (problems.length === 0) return changes
  throw new OperatorError(
    problems.map(([, what]) => what).join('\n  '),
    `On the server: ${problems.map(([, , remedy]) => remedy).join('\n         ')}\n         Then run this again.`,
    changes.length > 0 ? `${list(changes)}; nothing else was changed.` : NOTHING_CHANGED,
  )
}

const PROBLEM = 'problem\t'

export function usersScript(users: User[]): Script {
  return join([remote('users'), ...users.map(userScript)])
}

function userScript({ name, sudo, keys }: User): Script {
  return join([
    bash`account ${name}`,
    ...keys.map((key) => bash`authorize ${name} ${key}`),
    sudo ? bash`grant ${name}` : bash`withhold ${name}`,
  ])
}
