/** The destination of ssh: the words that --host takes, and what ssh_config(5) makes of them. */
import { spawnSync } from 'node:child_process'
import { NOTHING_CHANGED, OperatorError, WrongCall } from '../cli/errors.mts'

/** What a person gives as --host. ssh's configuration decides about a part that is empty. */
interface Destination {
  user: string
  name: string
  port: string
}

/** Where ssh connects to, by its configuration. */
export interface Route {
  /** DNS name or address. */
  hostname: string
  /** Whether ssh connects through another host or a program. */
  jumps: boolean
}

const WORD = /^(?:(.*)@)?(?:\[([^\]]+)\]|([^@:[\]]+|[^@[\]]*:[^@[\]]*:[^@[\]]*))(?::(\d+))?$/

/**
 * Reads `name`, `user@name`, `user@name:2222`, `user@2001:db8::1` or `user@[2001:db8::1]:2222`, with or without ssh://.
 * @throws WrongCall for any other word
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

/** The destination in words for ssh, which takes neither ssh:// with an IPv6 address nor an address in brackets. */
export function sshWords({ user, name, port }: Destination): string[] {
  return [...(port ? ['-p', port] : []), user ? `${user}@${name}` : name]
}

/**
 * Asks ssh where it would connect to. Contacts nothing.
 * @param words options and destination for ssh
 * @throws OperatorError with the message of ssh
 */
export function askRoute(words: readonly string[]): Route {
  const { status, stdout, stderr, error } = spawnSync('ssh', ['-G', ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status === 0) return parseRoute(stdout)
  throw new OperatorError(
    `ssh cannot tell where ${words.at(-1)} is: ${error?.message ?? stderr.replaceAll('\r', '').trim()}`,
    `Correct its configuration, and try it by hand: ssh -G ${words.join(' ')}`,
    NOTHING_CHANGED,
  )
}

/** @param output of `ssh -G` */
function parseRoute(output: string): Route {
  const value = (key: string) => new RegExp(`^${key} (.*)$`, 'm').exec(output)?.[1] ?? ''
  const jumps = ['proxyjump', 'proxycommand'].some((key) => !['', 'none'].includes(value(key)))
  return { hostname: value('hostname').replace(/^\[(.*)\]$/, '$1'), jumps }
}
