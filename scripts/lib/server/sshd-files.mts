/** The part of hardening sshd that happens on the server: one file, placed, checked, confirmed or put back. */
import { remote, type Script } from '../host/shell.mts'

/** First by its name, since the first value that sshd reads wins (sshd_config(5)). */
export const FILE = '/etc/ssh/sshd_config.d/00-prusa.conf'

/** Seconds after which the server puts back what nobody has confirmed. */
export const TRIAL_SECONDS = 60

/** Exit code of `place` when what it placed is gone again. */
export const PLACE_FAILED = 81

const VALUES: Record<string, string> = {
  PubkeyAuthentication: 'yes',
  PasswordAuthentication: 'no',
  KbdInteractiveAuthentication: 'no',
  PermitEmptyPasswords: 'no',
  HostbasedAuthentication: 'no',
  GSSAPIAuthentication: 'no',
  PermitRootLogin: 'prohibit-password',
}

/** The settings as sshd reads them. */
export const settings = Object.entries(VALUES)
  .map(([key, value]) => `${key} ${value}\n`)
  .join('')

const CONTENT = `# Keys only. Made by 01-server (config/server.yaml, sshd.harden), which removes it when that is switched off.\n${settings}`

/** As sshd -T prints them; an older one calls prohibit-password without-password, one without GSSAPI says nothing of it. */
const wanted = Object.entries(VALUES).map(([key, value]) => `${key.toLowerCase()} ${value}`)

/** @param users whose logins are looked at */
export function sshdFunctions(users: string[]): Script {
  return remote('sshd', {
    file: FILE,
    settings: settings.trim(),
    content: CONTENT.trim(),
    wanted: wanted.join('\n'),
    trial: TRIAL_SECONDS,
    failed: PLACE_FAILED,
    users,
  })
}
