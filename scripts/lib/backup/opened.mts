/** A backup that is to be restored. It is decrypted on the server and checked before anything is changed. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { NOTHING_CHANGED, OperatorError, WrongCall } from '../cli/errors.mts'
import { nearest } from '../cli/nearest.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, Secret } from '../host/shell.mts'
import { installPackages } from '../server/packages.mts'
import { containerOf } from '../stack/stack.mts'
import { DEADLINE, filesOf, listBackups, sealFunctions } from './backup.mts'

/** The backup's own description. */
export interface Manifest {
  /** ISO 8601, UTC. */
  when: string
  /** The server's name. */
  host: string
  project: string
  /** The images of the replicas that ran. */
  images: string[]
  tables: number
  rows: number
}

export interface Opened {
  /** Folder on the server with the content. */
  work: string
  /** Whether it is a backup of this deployment: its history begins with the same line. */
  own: boolean
  manifest: Manifest
}

/** Reads the file with the private key or the passphrase. @throws WrongCall */
export function readKey(file: string | undefined): Secret | undefined {
  if (file === undefined) return undefined
  try {
    return new Secret(readFileSync(file, 'utf8').trim())
  } catch (error) {
    throw new WrongCall(`--key takes a file of this machine: ${(error as Error).message}`)
  }
}

/**
 * @param word path of a file of this machine, which is copied to the server; or the name of a backup on the server
 * @returns its path on the server
 * @throws OperatorError when there is no such file
 */
export async function bringBackup(host: Host, stack: StackConfig, word: string): Promise<string> {
  if (existsSync(word) && statSync(word).isFile()) {
    const sent = `${stack.folder}/backup/sent`
    await host.copyFolder(path.dirname(word), [path.basename(word)], sent)
    return `${sent}/${path.basename(word)}`
  }
  const names = (await listBackups(host, stack)).map(({ file }) => file)
  if (names.includes(word)) return `${filesOf(stack)}/${word}`
  const near = names.length > 0 ? `; the nearest name there is ${nearest(word, names)}` : ''
  throw new OperatorError(
    `There is no file ${word} on this machine, and no such backup on ${host.name}${near}`,
    'npm run backup -- --list shows the backups on the server.',
    NOTHING_CHANGED,
  )
}

/**
 * @param file   path on the server
 * @param word   the operator's name for it
 * @param secret the private key or the passphrase; without it the server's own passphrase
 * @throws OperatorError when it is no backup, is damaged, or cannot be decrypted
 */
export async function openBackup(
  host: Host,
  stack: StackConfig,
  file: string,
  word: string,
  secret = new Secret(''),
): Promise<Opened> {
  await installPackages(host, ['age'])
  const parameters = { folder: stack.folder, file, secret, db: containerOf(stack, 'db') }
  const script = join([sealFunctions(stack), remote('open-backup', parameters)])
  const output = await host.run('Opening the backup', script, { deadline: DEADLINE })
  const [kind, first = '', second = '', ...rest] = output.trim().split('\t')
  if (kind !== 'opened') throw refusal(word, first, second)
  return { work: first, own: second === 'yes', manifest: JSON.parse(rest.join('\t')) as Manifest }
}

function refusal(word: string, kind: string, said: string): OperatorError {
  const [what, next] = REFUSALS[kind] ?? ['cannot be restored', OTHERS]
  return new OperatorError(`${word} ${what}: ${said.trim()}`, next.replace('FILE', word), NOTHING_CHANGED)
}

const OTHERS = 'npm run backup -- --list shows the other backups.'
const WITH_KEY =
  'npm run restore -- FILE --key KEY, where KEY is a file of this machine with the private key or the passphrase.'
const REFUSALS: Record<string, [what: string, next: string]> = {
  foreign: ['is not a backup', OTHERS],
  broken: ['is damaged', OTHERS],
  key: ['cannot be decrypted', WITH_KEY],
  locked: ['cannot be decrypted by this key or passphrase', WITH_KEY],
}

/** Removes the content and the copy from the server. */
export async function tidy(host: Host, { folder }: StackConfig): Promise<void> {
  await host.run('Removing the decrypted files', bash`rm -rf ${folder}/backup/work-* ${folder}/backup/sent`)
}
