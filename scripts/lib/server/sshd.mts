/**
 * Hardens sshd, when the configuration says so: it accepts no passwords then. That must lock nobody out, so there are three
 * trials: sshd checks its files; a login goes through a second sshd that nobody else reaches; after the reload there is a
 * new login, while the old connection is still open. When a trial fails, the old settings come back. The server does that
 * by itself when the connection is lost.
 */

import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { waitUntil } from '../cli/wait.mts'
import type { ServerConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, type Script } from '../host/shell.mts'
import { FILE, PLACE_FAILED, settings, sshdFunctions } from './sshd-files.mts'

/** Seconds until a reloaded sshd must accept a login. */
const LOGIN_DEADLINE = 10

/**
 * Hardens sshd, or undoes that, as the configuration says.
 * @returns what it did, in words
 * @throws OperatorError when the hardened sshd would lock somebody out
 */
export async function applySshd(host: Host, { sshd, users }: ServerConfig): Promise<string> {
  const names = ['root', ...users.map(({ name }) => name)]
  const ask = async (what: Script) =>
    (await host.run('Looking at sshd', join([sshdFunctions(names), what]))).trim()
  if ((await ask(bash`installed || echo no`)) === 'no') return 'no SSH server is installed: nothing to do'
  if (!sshd.harden) return (await ask(bash`take_away`)) || 'not hardened (sshd.harden: false): nothing to do'
  if ((await ask(bash`confirmed || echo no`)) === '') {
    const wrong = await ask(bash`not_in_force`)
    if (wrong) throw new OperatorError(`${FILE} is in place, but ${wrong}`, REMOVE_OTHER, NOTHING_CHANGED)
    return 'accepts keys only: nothing to do'
  }
  const broken = await ask(bash`broken`)
  if (broken)
    throw new OperatorError(
      `sshd cannot read its configuration: ${broken}`,
      'Correct it; sshd -t on the server checks it.',
      UNCHANGED,
    )
  const admins = users.filter(({ sudo }) => sudo).map(({ name }) => name)
  await refuseLockout(host, await ask(bash`keyless ${['root', ...admins]}`))
  if (!host.local) await refuseUntried(host)
  await place(host, names)
  if (!host.local) await tryLogin(host, ask)
  await ask(bash`confirm`)
  const tried = host.local
    ? 'no login was tried: this machine is not reached over ssh'
    : 'a new login by key succeeded'
  return `accepts keys only (${FILE}); ${tried}`
}

const REMOVE_OTHER = 'Remove the setting from the other file, then run again.'
const UNCHANGED = 'sshd has its former settings; nothing was changed.'

/**
 * Checks that the present login is by a key. @throws OperatorError when it is not
 * @param keyless the users who have no key, in words; empty: none
 */
async function refuseLockout(host: Host, keyless: string): Promise<void> {
  if (keyless)
    throw new OperatorError(
      `sshd.harden would lock out ${keyless}: no authorized key lets them in`,
      'Give the login a key (ssh-copy-id, or users: in config/server.yaml), then run again.',
      UNCHANGED,
    )
  if (host.local) return
  const { ok, method, said } = await host.login()
  if (!ok)
    throw new OperatorError(
      `A new login on ${host.name} fails even before sshd is hardened: ${said}`,
      `Find out why: ${host.loginCommand} true`,
      UNCHANGED,
    )
  if (method !== 'publickey')
    throw new OperatorError(
      `The login on ${host.name} is by ${method}, not by a key: sshd.harden would lock it out`,
      `Give it a key: ssh-copy-id, then ${host.loginCommand} -o PreferredAuthentications=publickey true`,
      UNCHANGED,
    )
}

/** Logs in through a second sshd, over the open connection. It reads the files that the real one would read after a reload. */
async function refuseUntried(host: Host): Promise<void> {
  const candidate = '/run/sshd-candidate.conf'
  await host.writeFiles([
    { path: candidate, content: `${settings}Include /etc/ssh/sshd_config\n`, mode: '600' },
  ])
  try {
    const { ok, said } = await host.login(`/usr/sbin/sshd -i -f ${candidate}`)
    if (!ok)
      throw new OperatorError(
        `With /etc/ssh/sshd_config and sshd_config.d as they are now, a new login would fail: ${said}`,
        'Look in these files for AllowUsers, AllowGroups, DenyUsers and Match. sshd has not loaded them yet, or they refuse the login once sshd is hardened.',
        UNCHANGED,
      )
  } finally {
    await host.attempt(bash`rm -f ${candidate}`)
  }
}

/** Places the file and reloads sshd. @throws OperatorError when sshd refuses the file or another file overrides it */
async function place(host: Host, names: string[]): Promise<void> {
  const output = await host.attempt(join([sshdFunctions(names), bash`place ${!host.local}`]))
  if (output.exitCode === 0) return
  const said = (output.exitCode === PLACE_FAILED ? output.stdout : output.stderr).trim()
  throw new OperatorError(`sshd was not hardened: ${said}`, REMOVE_OTHER, UNCHANGED)
}

/** Logs in anew. @throws OperatorError when that fails, after the old settings are back */
async function tryLogin(host: Host, ask: (what: Script) => Promise<string>): Promise<void> {
  try {
    await waitUntil('a new login', LOGIN_DEADLINE, async () => {
      const { ok, said } = await host.login()
      // sshd is up and refuses: it will not change its mind, and meanwhile nobody else gets in.
      if (!ok && /Permission denied/.test(said)) throw new Error(said)
      return ok ? undefined : said
    })
  } catch (error) {
    await ask(bash`put_back`)
    const again = await host.login()
    throw new OperatorError(
      `The hardened sshd refuses a new login: ${(error as Error).message}`,
      again.ok
        ? 'Find the reason in the server’s log (journalctl -u ssh) and correct it, then run again.'
        : `A new login still fails (${again.said}): keep a session open and look at journalctl -u ssh.`,
      'the old settings are back, and sshd is reloaded.',
    )
  }
}
