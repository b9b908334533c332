/** Options for ssh, the sockets of its connections, and the result of a login. */
import { hash } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { Output } from './process.mts'

/** Seconds that ssh may take to connect. */
export const CONNECT_DEADLINE = 8

/**
 * Options for one connection that all scripts of a run share. It stays open for a minute, for the next run. ssh never
 * asks a question.
 * @param destination words for ssh
 */
export function sshOptions(sshConfig: string, destination: readonly string[]): string[] {
  return [
    'BatchMode=yes',
    `ConnectTimeout=${CONNECT_DEADLINE}`,
    'ServerAliveInterval=5',
    'ServerAliveCountMax=3',
    'StrictHostKeyChecking=accept-new',
    'ControlMaster=auto',
    `ControlPath=${socketsOf(sshConfig, destination)}-%C`,
    'ControlPersist=60',
    'LogLevel=ERROR',
  ]
    .flatMap((option) => ['-o', option])
    .concat(sshConfig ? ['-F', sshConfig] : [])
}

/** Options for a login by a new connection. ssh prints how it logs in. */
export const ANEW = ['LogLevel=DEBUG1', 'ControlMaster=no', 'ControlPath=none'].flatMap((option) => [
  '-o',
  option,
])

export interface Login {
  ok: boolean
  /** The method of authentication, by sshd's name: `publickey`. */
  method: string
  /** The last message. */
  said: string
}

/** The result of a login with the options {@link ANEW}. */
export function judgeLogin({ exitCode, stderr }: Output): Login {
  const method = /Authenticated to .* using "([\w-]+)"/.exec(stderr)?.[1] ?? ''
  const said = stderr
    .split('\n')
    .filter((line) => line.trim() && !/^debug1:|^OpenSSH|^Authenticated/.test(line))
  return { ok: exitCode === 0, method, said: said.at(-1)?.trim() ?? 'no answer' }
}

/**
 * The beginning of the paths of a connection's sockets. ssh's own %C would be the same for two servers that have the same
 * address behind different jump hosts.
 */
export function socketsOf(sshConfig: string, destination: readonly string[]): string {
  const digest = hash('sha256', JSON.stringify([sshConfig, destination]))
  return `${socketFolder()}/${digest.slice(0, 8)}`
}

/**
 * Makes the folder for the connections' sockets, and returns its path. Whoever can open such a socket is root on the server,
 * so only this user can enter the folder. The path does not depend on TMPDIR, since it must be short: the path of a
 * socket may have 108 bytes (unix(7)), and ssh adds 61.
 * @throws OperatorError when another user owns the path
 */
export function socketFolder(folder = `/tmp/prusa-ssh-${userInfo().uid}`): string {
  try {
    if (!isOurs(folder)) rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // Mostly it exists already. The next check tells whose it is.
  }
  if (isOurs(folder)) return folder
  throw new OperatorError(
    `${folder}, the folder for ssh’s connections, is open to others or is not yours, and cannot be replaced`,
    `Remove it: sudo rm -rf ${folder}`,
    NOTHING_CHANGED,
  )
}

/** Whether it is a folder, and not a link, of this user, and closed to all others. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === userInfo().uid && (found.mode & 0o777) === 0o700
}

/** Quotes a text as one word for a POSIX sh. */
export function sh(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
