/** Restores a backup: the database, and on a new server the whole deployment. */
import { rowsAndTables } from './lib/backup/backup.mts'
import { bringBackup, type Opened, openBackup, readKey, tidy } from './lib/backup/opened.mts'
import {
  describeSwap,
  restoreBeside,
  restoreFiles,
  restoreHistory,
  swapBack,
  swapIn,
} from './lib/backup/restored.mts'
import { NOTHING_CHANGED, OperatorError, WrongCall } from './lib/cli/errors.mts'
import { list, result, say, step, warn } from './lib/cli/say.mts'
import { minute } from './lib/cli/time.mts'
import { ensureAdminPassword, takeOverFrom } from './lib/edge/certificate.mts'
import { refreshNginx } from './lib/edge/nginx.mts'
import { withLock } from './lib/host/lock.mts'
import { bash } from './lib/host/shell.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { imageOf } from './lib/images/release.mts'
import { releaseOf } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { NOT_SAVING, prepareSchema } from './lib/stack/create-db.mts'
import { applyRoles } from './lib/stack/database.mts'
import { ensureSecrets } from './lib/stack/secrets.mts'
import { requireRunning, writeStack } from './lib/stack/stack.mts'
import { rollouts } from './secrets.mts'

export async function restore(run: Run): Promise<void> {
  const { host, stack, engine, words, options } = run
  const [word] = words
  if (!word && !options.undo)
    throw new WrongCall('Which backup?', 'npm run backup -- --list, then: npm run restore -- FILE')
  if (word && options.undo) throw new WrongCall('--undo takes no file', 'npm run restore -- --undo')
  const key = readKey(options.key)
  engine.requireData(host, 'restore')
  say(`restore on ${host.name}`)
  await requireRunning(host, stack, 'db')
  await withLock(host, stack, 'a restoration', async () => {
    if (!word) return await undo(run)
    await requireNoRotation(run)
    try {
      const opened = await open(run, word, key)
      await restoreDatabase(run, opened)
      if (!opened.own) await restoreDeployment(run, opened)
    } finally {
      await tidy(host, stack).catch(({ message }) => warn(message))
    }
  })
}

/** Decrypts and checks the backup. @throws OperatorError; nothing was changed then */
async function open(
  { host, stack, options }: Run,
  word: string,
  key: ReturnType<typeof readKey>,
): Promise<Opened> {
  const found: Opened[] = []
  await step('Backup', async () => {
    const opened = await openBackup(host, stack, await bringBackup(host, stack, word), word, key)
    found.push(opened)
    const { when, host: made, project, images } = opened.manifest
    return `of ${project} on ${made} at ${minute(when)} UTC, ${rowsAndTables(opened.manifest)}, while ${list(images) || 'no replica'} ran`
  })
  const [opened] = found as [Opened]
  const { project } = opened.manifest
  if (project === stack.project || options.force) return opened
  throw new OperatorError(
    `${word} is a backup of ${project}, and this deployment is ${stack.project}`,
    'To restore it nevertheless: the same command with --force.',
    NOTHING_CHANGED,
  )
}

async function restoreDatabase(run: Run, opened: Opened): Promise<void> {
  const { host, stack } = run
  await writeStack(host, stack, baseImages(stack, await imageMode(host, stack)))
  await step('New database', async () => {
    await restoreBeside(host, stack, opened)
    return `${rowsAndTables(opened.manifest)}, as many as at the backup`
  })
  await step('Database', async () => describeSwap(await swapIn(host, stack)))
  await adaptSchema(run, opened)
}

/** Runs create_db.py if the backup's schema is by another release than the one that runs. */
async function adaptSchema(run: Run, { manifest }: Opened): Promise<void> {
  const { host, stack, engine } = run
  const target = (await engine.targets(host)).at(-1)
  if (!target) return
  const release = releaseOf(target)
  if (!manifest.images.includes(imageOf(stack, release)))
    warn(`Release ${release} runs; at the backup ${list(manifest.images) || 'no replica'} ran.`)
  await step('Schema', async () => {
    const { prepared } = await prepareSchema(host, stack, release, NOT_SAVING).catch(async (error) => {
      await swapBack(host, stack)
      throw new OperatorError(
        `Release ${release}, which runs, does not fit the database of the backup: ${error.message}`,
        'Roll out the release of the backup (npm run rollback -- --release NAME), then the same command again.',
        'the database from before the restoration is live again.',
      )
    })
    return prepared ? `prepared by release ${release}` : `of release ${release}: nothing to do`
  })
}

/** On a server with another deployment: its passwords, certificate and history become those of the backup. */
async function restoreDeployment(run: Run, opened: Opened): Promise<void> {
  const { host, hosts, stack, engine } = run
  await step('Passwords', async () => {
    await restoreFiles(host, stack, opened)
    await ensureSecrets(host, stack)
    const changed = [await applyRoles(host, stack), await ensureAdminPassword(host, stack)]
    return changed.some(Boolean) ? 'those of the backup' : 'the same: nothing to do'
  })
  if (stack.tls !== 'files')
    await step('Certificate', async () => {
      const taken = await takeOverFrom(host, stack, `${opened.work}/files/nginx/tls`)
      await refreshNginx(host, stack)
      return taken ? 'that of the backup' : 'stays as it is'
    })
  // Replaces the replicas that have the old password. Other hosts get passwords and certificate before.
  await rollouts(run)
  await step('History', async () => {
    await restoreHistory(host, stack, opened)
    await engine.mirror(host, hosts)
    return 'that of the backup, followed by that of this server'
  })
}

async function undo({ host, stack }: Run): Promise<void> {
  const swapped = await swapBack(host, stack)
  if (!swapped)
    throw new OperatorError(
      `No database from before a restoration is on ${host.name}: the next backup removes it`,
      'npm run backup -- --list shows the backups.',
      NOTHING_CHANGED,
    )
  result(`The database from before the restoration is ${describeSwap(swapped)}`)
}

/** A database in which two roles stand for the owner has settings that a backup does not have. */
async function requireNoRotation({ host, stack }: Run): Promise<void> {
  const { exitCode } = await host.attempt(bash`ls ${stack.folder}/secrets/db_owner_password.*`)
  if (exitCode !== 0) return
  throw new OperatorError(
    'A change of the owner’s password was interrupted',
    'npm run secrets -- rotate db_owner_password finishes it; then the same command again.',
    NOTHING_CHANGED,
  )
}

await script(
  import.meta.url,
  `
Restores the database of a backup beside the live one, then makes it the live one, which takes a moment.
On a server with another deployment, it also restores the passwords, the certificate and the history.
A file that is damaged, is no backup or cannot be decrypted changes nothing.

  npm run restore -- FILE [--key KEY --host USER@NAME]

  FILE               a file of this machine, or the name of a backup on the server (npm run backup -- --list)
  --key KEY          a file of this machine with the private key, or with another passphrase than the server's
  --force            restore the backup of another project
  --undo             make the database from before the last restoration the live one again

Examples:
  npm run restore -- prusa-20261126-030000.age
  npm run restore -- ~/backups/prusa-20261126-030000.age --key ~/key.txt --host admin@203.0.113.7
`,
  restore,
  1,
  'each',
)
