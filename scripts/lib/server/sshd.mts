/**
 * sshd without passwords, when the configuration asks for it. Nothing of it may lock anybody out, so it is tried three times
 * over: by sshd's own check, by a login through an sshd of its own that nobody else reaches, and by a new login after the
 * reload, while the old connection is still open. What is not confirmed by then is put back, by the server itself too.
 */

import { OperatorError } from '../cli/errors.mts'
import { waitUntil } from '../cli/wait.mts'
import type { ServerConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, type Script } from '../host/shell.mts'
import { FILE, PLACE_FAILED, settings, sshdFunctions } from './sshd-files.mts'

/** Seconds until a reloaded sshd must let us in. */
const LOGIN_DEADLINE = 10

/** Brings sshd to what the configuration says; returns what was done, in words. */
export async function applySshd(host: Host, { sshd, users }: ServerConfig): Promise<string> {
  const names = ['root', ...users.map(({ name }) => name)]
  const ask = async (what: Script) =>
    (await host.run('Looking at sshd', join([sshdFunctions(names), what]))).trim()
  if ((await ask(bash`installed || echo no`)) === 'no') return 'no SSH server is installed: nothing to do'
  if (!sshd.harden)
    return (await ask(bash`take_away`)) || 'as the system has it (sshd.harden: false): nothing to do'
  if ((await ask(bash`confirmed || echo no`)) === '') {
    const wrong = await ask(bash`not_in_force`)
    if (wrong) throw new OperatorError(`${FILE} is there, but ${wrong}`, REMOVE_OTHER, 'nothing was changed.')
    return 'takes keys only: nothing to do'
  }
  const broken = await ask(bash`broken`)
  if (broken)
    throw new OperatorError(`sshd cannot read its configuration: ${broken}`, 'Correct it: sshd -t', UNCHANGED)
  const admins = users.filter(({ sudo }) => sudo).map(({ name }) => name)
  await refuseLockout(host, await ask(bash`keyless ${['root', ...admins]}`))
  if (!host.local) await refuseUntried(host)
  await place(host, names)
  if (host.local) {
    await ask(bash`confirm`)
    return `takes keys only (${FILE}); no login was tried, since this machine is not reached over ssh`
  }
  await tryLogin(host, ask)
  await ask(bash`confirm`)
  return `takes keys only (${FILE}); a new login by key was tried`
}

const REMOVE_OTHER = 'Take the setting out of the other file, then run again.'
const UNCHANGED = 'sshd is as it was; nothing was changed.'

/** @param keyless who could get in no more, as the server found */
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
      `A new login on ${host.name} fails already: ${said}`,
      'Find out why first.',
      UNCHANGED,
    )
  if (method !== 'publickey')
    throw new OperatorError(
      `The login on ${host.name} is by ${method}, not by a key: sshd.harden would lock it out`,
      `Give it a key: ssh-copy-id, then ${host.loginCommand} -o PreferredAuthentications=publickey true`,
      UNCHANGED,
    )
}

/** A login through an sshd that reads what the real one would read, over the connection that we have. */
async function refuseUntried(host: Host): Promise<void> {
  const candidate = '/run/sshd-candidate.conf'
  await host.writeFiles([
    { path: candidate, content: `${settings}Include /etc/ssh/sshd_config\n`, mode: '600' },
  ])
  try {
    const { ok, said } = await host.login(`/usr/sbin/sshd -i -f ${candidate}`)
    if (!ok)
      throw new OperatorError(
        `With what is in /etc/ssh/sshd_config and sshd_config.d now, a new login would fail: ${said}`,
        'Look for AllowUsers, AllowGroups, DenyUsers, Match: sshd has not loaded them yet, or they refuse the hardened login.',
        UNCHANGED,
      )
  } finally {
    await host.attempt(bash`rm -f ${candidate}`)
  }
}

async function place(host: Host, names: string[]): Promise<void> {
  const output = await host.attempt(join([sshdFunctions(names), bash`place ${!host.local}`]))
  if (output.exitCode === 0) return
  const said = (output.exitCode === PLACE_FAILED ? output.stdout : output.stderr).trim()
  throw new OperatorError(`sshd was not hardened: ${said}`, REMOVE_OTHER, UNCHANGED)
}

async function tryLogin(host: Host, ask: (what: Script) => Promise<string>): Promise<void> {
  try {
    await waitUntil('a new login', LOGIN_DEADLINE, async () => {
      const { ok, said } = await host.login()
      return ok ? undefined : said
    })
  } catch (error) {
    await ask(bash`put_back`)
    const again = await host.login()
    throw new OperatorError(
      `The hardened sshd refuses a new login: ${(error as Error).message}`,
      again.ok
        ? 'Look at the server’s log (journalctl -u ssh), mend it, then run again.'
        : `A new login still fails (${again.said}): keep a session open and look at journalctl -u ssh.`,
      'everything was put back and sshd reloaded.',
    )
  }
}
