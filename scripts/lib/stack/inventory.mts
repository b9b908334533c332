/** What a deployment consists of on the server, and its removal. */
import { count } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { factsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { join, remote } from '../host/shell.mts'
import { FOLDERS } from './stack.mts'

/** Texts for people. */
export interface Inventory {
  /** What `deploy` can make again: `7 containers`, `its files`. */
  stack: string[]
  /** What it cannot make again. */
  data: string[]
  /** Removed only when that is asked for. */
  backups: string[]
  /** Whether a backup is younger than a day. */
  saved: boolean
  /** Whether the deployment has a timer. */
  timer: boolean
}

/** Names in the deployment's folder: data, what `deploy` makes again, and the lock. */
const DATA: Record<string, string> = {
  secrets: 'the passwords',
  letsencrypt: 'the account with the CA',
  nginx: 'the certificate',
  'history.jsonl': 'the history',
  logs: 'the last log lines of removed replicas',
  images: '',
}
const MADE = [
  ...FOLDERS.filter((name) => !(name in DATA)),
  'spool',
  'targets',
  'targets.next',
  'address',
  'attach',
  'build',
  'base-images',
  'upgrades',
  'history.begun',
  'schema.changed',
]
const LOCK = ['lock', 'lock.holder', 'lock.moves', 'lock.nginx', 'lock.replicas', 'lock.steps', 'lock.token']

/** Seconds, without the end of the replicas; PostgreSQL may take a minute to stop. */
const DEADLINE = 180

export async function takeInventory(host: Host, stack: StackConfig): Promise<Inventory> {
  const { folder, project } = stack
  return parseInventory(await host.run('Listing what is there', remote('inventory', { folder, project })))
}

/** @param output what inventory.sh prints */
export function parseInventory(output: string): Inventory {
  const of = factsIn(output)
  const files = of('file').map(([name = '']) => name)
  const counted = ['container', 'network', 'image'].flatMap((kind) => {
    const number = of(kind).length
    return number > 0 ? [count(number, kind)] : []
  })
  const made = files.filter((name) => MADE.includes(name))
  return {
    stack: [...counted, ...(made.length > 0 ? ['its files'] : [])],
    data: [
      ...of('volume').map(([name, size]) => `the volume ${name} (${size})`),
      ...Object.keys(DATA).flatMap((name) => (files.includes(name) && DATA[name]) || []),
    ],
    backups: files.includes('backup') ? ['the backups'] : [],
    saved: of('saved').length > 0,
    timer: of('timer').length > 0,
  }
}

/** What is removed with a deployment. */
interface Removal {
  /** Files that `deploy` cannot make again. */
  data: boolean
  volumes: boolean
  backups: boolean
  /** The files of the lock stay: the run goes on under it. */
  locked?: boolean
}

/** Removes the deployment. @returns what could not be removed */
export async function removeStack(
  host: Host,
  stack: StackConfig,
  { data, volumes, backups, locked = !data }: Removal,
): Promise<string[]> {
  const { folder, project, rollout } = stack
  const kept = [...(data ? [] : Object.keys(DATA)), ...(locked ? LOCK : []), ...(backups ? [] : ['backup'])]
  return await host.lines(
    'Removing the stack',
    join([
      remote('destroy', { project, volumes: volumes ? 'yes' : '' }),
      // Base images that no other deployment needs.
      remote('prune', { folder, project, keep: 'none' }),
      remote('destroy-files', {
        folder,
        known: [...MADE, ...Object.keys(DATA), 'backup', ...LOCK].join(' '),
        kept: kept.join(' '),
      }),
    ]),
    { deadline: DEADLINE + rollout.drain_timeout + rollout.stop_timeout },
  )
}
