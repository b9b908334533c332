/** Backups: one encrypted file each, on the server in FOLDER/backup/files. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { CommandError } from '../cli/errors.mts'
import { count, megabytes } from '../cli/say.mts'
import { table } from '../cli/table.mts'
import { second } from '../cli/time.mts'
import { who } from '../cli/who.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import { jsonIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { INSTALL } from '../server/packages.mts'
import { NOT_SAVING } from '../stack/create-db.mts'
import { sqlFunction } from '../stack/database.mts'
import { MAKE } from '../stack/secrets.mts'
import { containerOf } from '../stack/stack.mts'

/** The result of an attempt; a line of backup/results.jsonl. */
export interface Result {
  /** ISO 8601, UTC. */
  when: string
  who: string
  why: string
  result: 'done' | 'failed'
  /** The last lines of what a failed attempt printed. */
  error?: string
  /** Name of the file. */
  file?: string
  bytes?: number
  sha256?: string
  tables?: number
  rows?: number
}

/** A backup whose file is on the server. */
export type Backup = Required<Omit<Result, 'error'>>

/** Seconds for a backup or a restoration. */
export const DEADLINE = 4 * 3600

/** Seconds for which pg_dump waits for a lock: a session may be changing a table. */
const LOCK_WAIT = 60

export const filesOf = ({ folder }: StackConfig) => `${folder}/backup/files`
export const passphraseOf = ({ folder }: StackConfig) => `${folder}/backup/passphrase`

/** SQL that counts the rows of each table. */
export const rowsQuery = () => readFileSync(path.join(ROOT, 'sql/rows.sql'), 'utf8')

/** Bash functions: seal, unseal, by_passphrase. */
export const sealFunctions = (stack: StackConfig): Script =>
  remote('seal', { key: stack.backup.key, passphrase: passphraseOf(stack) })

/** Bash functions: ready, dump, pack. @param wait seconds for which pg_dump waits for a lock */
function backupFunctions(stack: StackConfig, wait = LOCK_WAIT): Script {
  const { folder, project } = stack
  const parameters = { folder, project, db: containerOf(stack, 'db'), rows: rowsQuery(), wait }
  return join([INSTALL, MAKE, sqlFunction(stack), sealFunctions(stack), remote('backup', parameters)])
}

/**
 * A script that makes a backup and removes old ones.
 * @param why   for results.jsonl: `by hand` or `schedule`
 * @param maker who makes it, as bash
 * @param held  whether the caller holds the lock
 */
export function backupScript(stack: StackConfig, why: string, maker: Script, held: boolean): Script {
  const { folder, project, backup } = stack
  return join([
    backupFunctions(stack),
    remote('keep-backups', { project, ...backup.keep }),
    bash`who=${maker}`,
    remote('run-backup', { folder, why, held: held ? 'yes' : '' }),
  ])
}

/** Makes a backup. The caller holds the lock. @throws CommandError with the output of the step that failed */
export async function backUp(host: Host, stack: StackConfig): Promise<Backup> {
  const script = backupScript(stack, 'by hand', bash`${who()}`, true)
  const { exitCode, stdout, stderr } = await host.attempt(script, { deadline: DEADLINE })
  const [backup] = jsonIn<Result>(stdout)
  if (exitCode === 0 && backup?.result === 'done') return backup as Backup
  throw new CommandError('Making the backup', exitCode, stderr)
}

/** For prepareSchema: keeps a backup of the database before create_db.py of a release changes the schema. */
export function saving(stack: StackConfig, release: string): Script {
  if (stack.rollout.backup === 'never') return NOT_SAVING
  const functions = backupFunctions(stack, stack.database.lock_timeout)
  return join([functions, remote('save-before', { who: who(), release })])
}

/** The backups on the server, the oldest first. */
export async function listBackups(host: Host, stack: StackConfig): Promise<Backup[]> {
  const lines = await host.lines(
    'Looking at the backups',
    bash`
cd ${stack.folder}/backup 2>/dev/null || exit 0
ls files 2>/dev/null || true
cat results.jsonl 2>/dev/null || true`,
  )
  return jsonIn<Result>(lines.join('\n')).filter(({ file }) => file && lines.includes(file)) as Backup[]
}

/** `1,024 rows in 3 tables`. */
export const rowsAndTables = ({ rows, tables }: { rows: number; tables: number }) =>
  `${count(rows, 'row')} in ${count(tables, 'table')}`

/** For people, the latest backup last. */
export function backupTable(backups: readonly Backup[]): string {
  const rows = backups.map(({ file, when, who, why, bytes, rows, tables }) => [
    file,
    second(when),
    who,
    why,
    megabytes(bytes),
    String(rows),
    String(tables),
  ])
  return table(['file', 'when (UTC)', 'who', 'why', 'size', 'rows', 'tables'], rows)
}
