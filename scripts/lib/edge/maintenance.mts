/** Maintenance: users get a page that says so, until it is over. */
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import path from 'node:path'
import { WrongCall } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
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
  /** Addresses that get through. */
  allowed: string[]
  /** Whether the nginx that runs knows of it. */
  known: boolean
  /** Whether it was switched by this call. */
  changed: boolean
}

export const lookAtMaintenance = (host: Host, stack: StackConfig) => ask(host, stack, {})

/** @param page what users get, HTML */
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
  return parseMaintenance(await host.run('Asking for maintenance', script))
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

/** In a sentence. */
export function describe({ on, who, since, allowed }: Maintenance): string {
  if (!on) return 'Maintenance is off.'
  const through = allowed.length > 0 ? `${list(allowed)} and /status get through` : '/status gets through'
  return `Maintenance is on since ${since.slice(0, 16).replace('T', ' ')} UTC, by ${who}; ${through}.`
}

/** The operator's own page, beside the configuration, or the repository's. */
export function pageOf(folder: string): string {
  const own = path.join(folder, 'maintenance.html')
  return readFileSync(existsSync(own) ? own : path.join(ROOT, 'nginx/maintenance.html'), 'utf8')
}

/** @param text addresses, commas between; as nginx writes them then @throws WrongCall */
export function addressesOf(text = ''): string[] {
  const words = text.split(',').map((word) => word.trim())
  return words.filter(Boolean).map((word) => {
    if (isIP(word) === 4) return word
    if (isIP(word) === 6) return new URL(`http://[${word}]`).hostname.slice(1, -1)
    throw new WrongCall(`--allow takes addresses such as 203.0.113.7, with commas between, not “${word}”`)
  })
}
