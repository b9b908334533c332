/** Restores the parts of an opened backup. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { sqlFunction } from '../stack/database.mts'
import { containerOf } from '../stack/stack.mts'
import { DEADLINE, rowsQuery } from './backup.mts'
import type { Opened } from './opened.mts'

/** Restores the database as prusa_restored and counts its rows. The live database is not touched. @throws CommandError */
export async function restoreBeside(host: Host, stack: StackConfig, { work }: Opened): Promise<void> {
  const parameters = {
    folder: stack.folder,
    work,
    db: containerOf(stack, 'db'),
    rows: rowsQuery(),
    idle_timeout: stack.database.developer_idle_timeout,
  }
  const script = join([sqlFunction(stack), remote('restore-database', parameters)])
  await host.run('Restoring the database', script, { deadline: DEADLINE })
}

interface Swapped {
  /** The new name of the database that was live. */
  before: string
  /** How long no session could use the database, at most. */
  milliseconds: number
}

/** Makes prusa_restored the live database. */
export const swapIn = async (host: Host, stack: StackConfig) =>
  (await swap(host, stack, 'prusa_restored')) as Swapped

/** Makes the database that was live before the last swap the live one. Undefined if there is none. */
export const swapBack = (host: Host, stack: StackConfig) => swap(host, stack, 'before')

async function swap(host: Host, stack: StackConfig, fresh: string): Promise<Swapped | undefined> {
  const script = join([sqlFunction(stack), remote('swap-database', { fresh })])
  const [before, milliseconds] = (await host.run('Swapping the databases', script)).trim().split(' ')
  return before ? { before, milliseconds: Number(milliseconds) } : undefined
}

/** For a message. */
export const describeSwap = ({ before, milliseconds }: Swapped) =>
  `live; for ${(milliseconds / 1000).toFixed(1)} s at most there was no database. The one before is kept as ${before} until the next backup; it comes back by: npm run restore -- --undo`

/** Installs the passwords, the account with the CA and the targets. */
export async function restoreFiles(host: Host, stack: StackConfig, { work }: Opened): Promise<void> {
  await host.run('Restoring the files', remote('restore-files', { folder: stack.folder, work }))
}

/** Puts the backup's history before the server's own. From then on this is the deployment of the backup. */
export async function restoreHistory(host: Host, { folder }: StackConfig, { work }: Opened): Promise<void> {
  await host.run(
    'Restoring the history',
    bash`
cd ${folder}
{ cat ${work}/files/history.jsonl history.jsonl 2>/dev/null || true; } >history.next
mv history.next history.jsonl`,
  )
}
