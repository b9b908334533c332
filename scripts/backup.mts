/** Makes a backup of the deployment, or lists the backups on the server. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import {
  type Backup,
  backUp,
  backupTable,
  filesOf,
  listBackups,
  passphraseOf,
  rowsAndTables,
} from './lib/backup/backup.mts'
import { WrongCall } from './lib/cli/errors.mts'
import { megabytes, result, say, step } from './lib/cli/say.mts'
import { fetchFile } from './lib/host/fetch.mts'
import { withLock } from './lib/host/lock.mts'
import { type Run, script } from './lib/run.mts'
import { installPackages } from './lib/server/packages.mts'
import { requireRunning } from './lib/stack/stack.mts'

export async function backup(run: Run): Promise<void> {
  const { host, stack, options } = run
  if (options.list) return await list(run)
  if (options.to) makeFolder(options.to)
  say(`backup on ${host.name}`)
  await requireRunning(host, stack, 'db')
  const made: Backup[] = []
  await withLock(host, stack, 'a backup', async () => {
    await installPackages(host, ['age'])
    await step('Backup', async () => {
      const one = await backUp(host, stack)
      made.push(one)
      return `${rowsAndTables(one)}, ${megabytes(one.bytes)}`
    })
  })
  for (const one of made) await tell(run, one)
}

/** Copies the backup if that is wanted, and prints where it is and what decrypts it. */
async function tell({ host, stack, options }: Run, made: Backup): Promise<void> {
  const file = `${filesOf(stack)}/${made.file}`
  if (options.to) {
    const copy = path.join(options.to, made.file)
    await step('Copy', async () => {
      await fetchFile(host, file, copy, made.sha256)
      return `${copy}, with the same checksum`
    })
  }
  if (options.json) return result(JSON.stringify(made))
  result(file)
  say(
    stack.backup.key
      ? 'Only the private key of backup.key decrypts it.'
      : `The passphrase in ${passphraseOf(stack)} decrypts it: keep a copy of the passphrase elsewhere.`,
  )
}

async function list({ host, stack, options }: Run): Promise<void> {
  const backups = await listBackups(host, stack)
  if (options.json) result(JSON.stringify(backups, null, 2))
  else if (backups.length > 0) result(backupTable(backups))
  else say(`No backup is on ${host.name}. Next: npm run backup`)
}

/** @throws WrongCall */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new WrongCall(`--to takes a folder of this machine: ${(error as Error).message}`)
  }
}

await script(
  import.meta.url,
  `
Makes a backup: one encrypted file on the server with the database, passwords, certificate, history and configuration.
The site runs on, and writers do not wait. The data of Redis is not in it.

  npm run backup [-- --to FOLDER --host USER@NAME]

  --to FOLDER        copy the file into this folder of this machine
  --list             list the backups on the server; make none
  --json             as JSON on standard output

Examples:
  npm run backup -- --to ~/backups
  npm run backup -- --list
`,
  backup,
  0,
  'data',
)
