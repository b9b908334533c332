/** Maintenance: while it is on, nginx answers users with a page that says so. */
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import { WrongCall } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import { minute } from '../cli/time.mts'
import { who } from '../cli/who.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'

export interface Maintenance {
  on: boolean
  /** Who switched it on. */
  who: string
  /** ISO 8601, UTC. */
  since: string
  /** Addresses that still reach the site. */
  allowed: string[]
  /** Whether nginx's current configuration supports maintenance. */
  known: boolean
  /** Whether this call switched it. */
  changed: boolean
}

export const lookAtMaintenance = (host: Host, stack: StackConfig) => ask(host, stack, {})

/** @param page HTML that users get */
export const switchOn = (host: Host, stack: StackConfig, page: string, allowed: readonly string[]) =>
  ask(host, stack, { want: 'on', page, allowed: allowed.join(' ') })

export const switchOff = (host: Host, stack: StackConfig) => ask(host, stack, { want: 'off' })

async function ask(host: Host, stack: StackConfig, wish: Record<string, string>): Promise<Maintenance> {
  const script = remote('maintenance', {
    folder: stack.folder,
    who: who(),
    want: '',
    page: '',
    allowed: '',
    ...wish,
  })
  return parseMaintenance(await host.run('Reading or switching maintenance', script))
}

export function parseMaintenance(output: string): Maintenance {
  const lines = output.split('\n')
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
  const [since] = of('since')
  return {
    on: of('on').length > 0,
    who: of('on')[0] ?? '',
    since: since ? new Date(Number(since) * 1000).toISOString() : '',
    allowed: of('allow'),
    known: !lines.includes('old'),
    changed: lines.includes('changed'),
  }
}

/** One sentence for people. */
export function describe({ on, who, since, allowed }: Maintenance): string {
  if (!on) return 'Maintenance is off.'
  const through = allowed.length > 0 ? `${list(allowed)} and /status get through` : '/status gets through'
  return `Maintenance is on since ${minute(since)} UTC, by ${who}; ${through}.`
}

/** What a host of several says. */
export interface Of {
  name: string
  now: Maintenance
}

/** Whether users get the page at one host, and not at another: one was out of reach when it was switched. */
export const areDifferent = ([first, ...others]: readonly Of[]): boolean =>
  others.some(({ now }) => now.on !== first?.now.on || `${now.allowed}` !== `${first.now.allowed}`)

/** A line for each host, and what to do. */
export const describeEach = (all: readonly Of[]): string =>
  [
    ...all.map(({ name, now }) => `${name}: ${describe(now)}`),
    'Next: npm run maintenance -- on, or off, makes it the same on all hosts',
  ].join('\n')

/** The file maintenance.html in the configuration's folder, or the default page. */
export function pageOf(folder: string): string {
  const own = path.join(folder, 'maintenance.html')
  return readFileSync(existsSync(own) ? own : path.join(ROOT, 'nginx/maintenance.html'), 'utf8')
}

/**
 * @param text addresses, separated by commas
 * @returns them as nginx writes them
 * @throws WrongCall for anything else
 */
export function addressesOf(text = ''): string[] {
  const words = text.split(',').map((word) => word.trim())
  return words.filter(Boolean).map((word) => {
    if (isIP(word) === 4) return word
    if (isIP(word) === 6) return new URL(`http://[${word}]`).hostname.slice(1, -1)
    throw new WrongCall(`--allow takes addresses such as 203.0.113.7, separated by commas, not “${word}”`)
  })
}
