/** The words that ssh is called with. */
import { mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'

/** Seconds. */
export const CONNECT_DEADLINE = 8

/** One connection for all scripts of a run, kept a minute for the next one; never a question. */
export function sshOptions(sshConfig: string): string[] {
  const sockets = path.join(tmpdir(), `prusa-ssh-${userInfo().uid}`)
  mkdirSync(sockets, { recursive: true, mode: 0o700 })
  return [
    'BatchMode=yes',
    `ConnectTimeout=${CONNECT_DEADLINE}`,
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'StrictHostKeyChecking=accept-new',
    'ControlMaster=auto',
    `ControlPath=${sockets}/%C`,
    'ControlPersist=60',
    'LogLevel=ERROR',
  ]
    .flatMap((option) => ['-o', option])
    .concat(sshConfig ? ['-F', sshConfig] : [])
}

/** One word for a POSIX sh, whatever the text holds. */
export function sh(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
