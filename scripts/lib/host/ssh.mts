/** The words that ssh is called with. */
import { hash } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { OperatorError } from '../cli/errors.mts'
import type { Output } from './process.mts'

/** Seconds. */
export const CONNECT_DEADLINE = 8

/**
 * One connection for all scripts of a run, kept a minute for the next one; never a question.
 * @param destination ssh's words for it
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

/** Options for a login of its own, which tells about itself. */
export const ANEW = ['LogLevel=DEBUG1', 'ControlMaster=no', 'ControlPath=none'].flatMap((option) => [
  '-o',
  option,
])

export interface Login {
  ok: boolean
  /** By which it was let in, as sshd calls it. */
  method: string
  /** The last that was said, for people. */
  said: string
}

/** What came of a login with the options {@link ANEW}. */
export function judgeLogin({ exitCode, stderr }: Output): Login {
  const method = /Authenticated to .* using "([\w-]+)"/.exec(stderr)?.[1] ?? ''
  const said = stderr
    .split('\n')
    .filter((line) => line.trim() && !/^debug1:|^OpenSSH|^Authenticated/.test(line))
  return { ok: exitCode === 0, method, said: said.at(-1)?.trim() ?? 'no answer' }
}

/**
 * What the paths of a connection's sockets begin with. ssh's own %C is the same for two servers that have one address
 * behind different jump hosts.
 */
export function socketsOf(sshConfig: string, destination: readonly string[]): string {
  const digest = hash('sha256', JSON.stringify([sshConfig, destination]))
  return `${socketFolder()}/${digest.slice(0, 8)}`
}

/**
 * Where the connections' sockets are: whoever can open one is root on the server, so the folder is this user's alone.
 * The path is short whatever TMPDIR says, since a socket's may have 108 bytes (unix(7)), 61 of them ssh's own.
 * @throws OperatorError when somebody else holds the place
 */
export function socketFolder(folder = `/tmp/prusa-ssh-${userInfo().uid}`): string {
  try {
    if (!isOurs(folder)) rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // Mostly it is there already. The next look tells whose it is.
  }
  if (isOurs(folder)) return folder
  throw new OperatorError(
    `${folder}, the folder for ssh’s connections, is not this user’s alone, and cannot be made so`,
    `Have it removed: sudo rm -rf ${folder}`,
    'nothing was changed.',
  )
}

/** A folder and no link, of this user, closed to everybody else. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === userInfo().uid && (found.mode & 0o777) === 0o700
}

/** One word for a POSIX sh, whatever the text holds. */
export function sh(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
