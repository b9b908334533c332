/** What a deployment has on the server: what can be made again, and the data. */

import { count } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { join, remote } from '../host/shell.mts'

export interface Inventory {
  /** What `deploy` makes again, for people: `7 containers`, `its files`. */
  stack: string[]
  /** What it does not, for people. */
  data: string[]
  timer: boolean
}

/** In the server's folder: the data, which stays, and what is made again. */
const DATA = ['secrets', 'letsencrypt', 'nginx', 'history.jsonl', 'logs', 'images']
const MADE = [
  ...['compose', 'postgres', 'dbport', 'sql', 'haproxy', 'spool', 'targets', 'targets.next', 'build'],
  ...['base-images', 'upgrades', 'history.begun'],
]
const LOCK = ['lock', 'lock.holder', 'lock.moves', 'lock.nginx', 'lock.replicas', 'lock.steps', 'lock.token']

/** Seconds: PostgreSQL may take a minute to stop. */
const DEADLINE = 180

const NAMES: Record<string, string> = {
  secrets: 'the passwords',
  letsencrypt: 'the account with the CA',
  nginx: 'the certificate',
  'history.jsonl': 'the history',
  logs: 'the last lines of removed replicas',
}

export async function takeInventory(host: Host, stack: StackConfig): Promise<Inventory> {
  const { folder, project } = stack
  return parseInventory(await host.run('Looking at what is there', remote('inventory', { folder, project })))
}

export function parseInventory(output: string): Inventory {
  const lines = output.split('\n').map((line) => line.split('\t'))
  const of = (kind: string) => lines.filter(([first]) => first === kind)
  const files = of('file').map(([, name = '']) => name)
  const counted = ['container', 'network', 'image'].flatMap((kind) => {
    const number = of(kind).length
    return number > 0 ? [count(number, kind)] : []
  })
  const made = files.filter((name) => MADE.includes(name))
  return {
    stack: [...counted, ...(made.length > 0 ? ['its files'] : [])],
    data: [
      ...of('volume').map(([, name, size]) => `the volume ${name} (${size})`),
      ...DATA.filter((name) => files.includes(name)).flatMap((name) => NAMES[name] ?? []),
    ],
    timer: of('timer').length > 0,
  }
}

/** Takes it away; returns what is left although it should not be. @param data whether the data goes, too */
export async function remove(host: Host, stack: StackConfig, data: boolean): Promise<string[]> {
  const { folder, project } = stack
  const output = await host.run(
    'Taking the stack away',
    join([
      remote('destroy', { project, data: data ? 'yes' : '' }),
      // What was brought to the engine for it, where nobody else needs that.
      remote('prune', { folder, project, keep: 'none' }),
      remote('destroy-files', {
        folder,
        known: [...MADE, ...DATA, ...LOCK].join(' '),
        kept: data ? '' : [...DATA, ...LOCK].join(' '),
      }),
    ]),
    { deadline: DEADLINE },
  )
  return output.split('\n').filter(Boolean)
}
