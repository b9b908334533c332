/** Asks whether this machine itself shall become the server. */
import process from 'node:process'
import { question } from 'zx'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { list, say } from '../cli/say.mts'
import type { Config } from '../config/config.mts'
import type { Host } from '../host/host.mts'

/**
 * Says what this machine will get, and asks. Asks nothing without a terminal, with --yes, or for another machine.
 * @throws OperatorError when the answer is not yes
 */
export async function confirmThisMachine(host: Host, { stack, server }: Config, yes: boolean): Promise<void> {
  if (!host.local || yes || !process.stdin.isTTY) return
  const admins = server.users.filter(({ sudo }) => sudo).map(({ name }) => name)
  const others = server.users.filter(({ sudo }) => !sudo).map(({ name }) => name)
  say('This machine itself will become the server. It gets:')
  say(`  users     ${list(admins)} with passwordless sudo, ${list(others)} without`)
  say(`  packages  ${list(server.packages)}, an SSH server, Docker`)
  say(
    `  ports     ${stack.ports.http} and ${stack.ports.https} on the network, ${stack.ports.db} on 127.0.0.1`,
  )
  say(`  files     in ${stack.folder}`)
  say('For another server: npm run deploy -- --host USER@NAME')
  const answer = await question('Go ahead? [y/N] ')
  if (!/^y(es)?$/i.test(answer.trim()))
    throw new OperatorError('Not confirmed', 'npm run deploy -- --yes', NOTHING_CHANGED)
}
