/** Starts PostgreSQL with the owner `app`, the reader `developer` and the application's schema. */

import { saving } from './lib/backup/backup.mts'
import { list, say, step } from './lib/cli/say.mts'
import { withLock } from './lib/host/lock.mts'
import { sourceOf } from './lib/images/application.mts'
import { identityOf } from './lib/images/base.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { requireBuilt } from './lib/images/release.mts'
import { bring } from './lib/rollout/replacement.mts'
import { type Run, script } from './lib/run.mts'
import { prepareSchema } from './lib/stack/create-db.mts'
import { applyRoles } from './lib/stack/database.mts'
import { connect } from './lib/stack/networks.mts'
import { ensureSecrets } from './lib/stack/secrets.mts'
import { writeStack } from './lib/stack/stack.mts'
import { requireFit } from './lib/stack/volumes.mts'

export async function prepareDatabase({ host, stack }: Run): Promise<void> {
  say(`03-db on ${host.name}`)
  const images = baseImages(stack, await imageMode(host, stack))
  const { release } = sourceOf(stack, await identityOf(host, stack, images))
  await requireBuilt(host, stack, release)

  await withLock(host, stack, '03-db', async () => {
    await requireFit(host, stack, images)
    await step('Secrets', async () => {
      const made = await ensureSecrets(host, stack)
      return made.length > 0
        ? `made ${list(made)} in ${stack.folder}/secrets`
        : `in ${stack.folder}/secrets: nothing to do`
    })
    await step('PostgreSQL', async () => {
      await writeStack(host, stack, images)
      await connect(host, stack)
      const done = [await bring(host, stack, release, 'db'), await bring(host, stack, release, 'dbport')]
      return done.some(Boolean)
        ? `${list([...new Set(done.filter(Boolean))])}, on the server's 127.0.0.1:${stack.ports.db}`
        : 'runs: nothing to do'
    })
    await step('Roles', async () =>
      (await applyRoles(host, stack))
        ? 'app owns the database, developer reads it'
        : 'app and developer: nothing to do',
    )
    await step('Schema', async () => {
      const { prepared, backup } = await prepareSchema(host, stack, release, saving(stack, release))
      if (!prepared) return `of release ${release}: nothing to do`
      return `prepared by release ${release}${backup ? `; backup of the database before the change: ${backup}` : ''}`
    })
  })
}

await script(
  import.meta.url,
  `
Starts PostgreSQL, prepares its two roles and the application's schema. A second run changes nothing.

  npx zx scripts/03-db.mts [--host USER@NAME]

Examples:
  npx zx scripts/03-db.mts
  npx zx scripts/03-db.mts --host admin@203.0.113.7
`,
  prepareDatabase,
  0,
  'setup',
)
