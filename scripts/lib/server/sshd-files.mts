/** The file that hardens sshd, and the functions on the server that place, check, confirm and remove it. */
import { remote, type Script } from '../host/shell.mts'

/** Its name makes it the first: sshd takes the first value that it reads (sshd_config(5)). */
export const FILE = '/etc/ssh/sshd_config.d/00-prusa.conf'

/** Seconds after which the server removes a file that is not confirmed. */
export const TRIAL_SECONDS = 60

/** Exit code of `place` when it has removed the file again. */
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

/** The settings in the syntax of sshd_config. */
export const settings = Object.entries(VALUES)
  .map(([key, value]) => `${key} ${value}\n`)
  .join('')

const CONTENT = `# Keys only. Made by 01-server (config/server.yaml, sshd.harden), which removes it when that is switched off.\n${settings}`

/** The settings as a new sshd -T prints them. */
const wanted = Object.entries(VALUES).map(([key, value]) => `${key.toLowerCase()} ${value}`)

/** The functions of sshd.sh. @param users the names of the users whose logins they check */
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
