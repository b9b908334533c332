/** Where ssh goes: what --host takes, and what ssh_config(5) makes of it. */
import { spawnSync } from 'node:child_process'
import { OperatorError, WrongCall } from '../cli/errors.mts'

/** Empty where nothing is said: ssh's configuration decides then. */
export interface Destination {
  user: string
  name: string
  port: string
}

/** Where ssh connects to, by its configuration. */
export interface Route {
  /** DNS name or address. */
  hostname: string
  /** Whether another host, or a program, stands between. */
  jumps: boolean
}

const WORD = /^(?:(.*)@)?(?:\[([^\]]+)\]|([^@:[\]]+|[^@[\]]*:[^@[\]]*:[^@[\]]*))(?::(\d+))?$/

/**
 * Reads `name`, `user@name`, `user@name:2222`, `user@2001:db8::1`, `user@[2001:db8::1]:2222`, each with ssh:// too.
 * @throws OperatorError for what is none of these
 */
export function parseDestination(word: string): Destination {
  const [, user = '', bracketed, plain, port = ''] = WORD.exec(word.replace(/^ssh:\/\/(.*?)\/?$/, '$1')) ?? []
  const name = bracketed ?? plain ?? ''
  if (
    name === '' ||
    /^-/.test(user || name) ||
    /[\s/]/.test(word.replace(/^ssh:\/\//, '').replace(/\/$/, ''))
  )
    throw new WrongCall(`“${word}” is not a host`, 'Give it as --host USER@NAME.')
  return { user, name, port }
}

/** The words for ssh. It reads no ssh:// with an IPv6 address, and no brackets elsewhere. */
export function sshWords({ user, name, port }: Destination): string[] {
  return [...(port ? ['-p', port] : []), user ? `${user}@${name}` : name]
}

/** Asks ssh's own configuration; nothing is contacted. @param words for ssh @throws OperatorError with what ssh says */
export function askRoute(words: readonly string[]): Route {
  const { status, stdout, stderr, error } = spawnSync('ssh', ['-G', ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status === 0) return parseRoute(stdout)
  throw new OperatorError(
    `ssh cannot tell where ${words.at(-1)} is: ${error?.message ?? stderr.replaceAll('\r', '').trim()}`,
    `Correct its configuration, and try it by hand: ssh -G ${words.join(' ')}`,
    'nothing was changed.',
  )
}

/** @param output of `ssh -G` */
export function parseRoute(output: string): Route {
  const value = (key: string) => new RegExp(`^${key} (.*)$`, 'm').exec(output)?.[1] ?? ''
  const jumps = ['proxyjump', 'proxycommand'].some((key) => !['', 'none'].includes(value(key)))
  return { hostname: value('hostname').replace(/^\[(.*)\]$/, '$1'), jumps }
}
