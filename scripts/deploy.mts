/** Takes a bare server to the application on HTTPS, and verifies the result. It can be run again at any time. */

import { prepareServer, requireFit } from './01-server.mts'
import { buildImages } from './02-build.mts'
import { prepareDatabase } from './03-db.mts'
import { startStack } from './04-stack.mts'
import { filesOf, passphraseOf } from './lib/backup/backup.mts'
import { live } from './lib/cli/live.mts'
import { result } from './lib/cli/say.mts'
import { readCa } from './lib/edge/acme.mts'
import { readOwnCertificate } from './lib/edge/own-certificate.mts'
import { Site } from './lib/edge/site.mts'
import { withLock } from './lib/host/lock.mts'
import { type Run, script } from './lib/run.mts'
import { confirmThisMachine } from './lib/server/confirm.mts'
import { verify } from './verify.mts'

export async function deploy(run: Run): Promise<void> {
  const { host, stack, options } = run
  // A wrong file of a certificate is reported before anything changes.
  readOwnCertificate(stack)
  readCa(stack)
  await confirmThisMachine(host, run, options.yes)
  // On a server that is not fit, nothing changes: not even the lock's files are made.
  const looked = live('Server')
  await requireFit(run, (_, look) => look()).finally(looked)
  await withLock(host, stack, 'deploy', async () => {
    await prepareServer(run)
    await buildImages(run)
    await prepareDatabase(run)
    await startStack(run)
  })
  await verify(run)
  whereIsWhat(run)
}

/** Prints where the site, the admin area and the database are, and what to type next. */
function whereIsWhat({ host, hosts, stack }: Run): void {
  const [site = '', ...others] = new Set([host, ...hosts].map((one) => Site.of(one, stack).url('/')))
  const ssh = host.local || hosts.length > 1 ? '' : ` -- --host ${host.address}`
  const opener = stack.backup.key
    ? 'the private key of backup.key'
    : `${passphraseOf(stack)}: keep a copy elsewhere`
  const backups = stack.backup.at && `\nThe backups     ${filesOf(stack)}, opened by ${opener}`
  result(`
The site        ${[site, ...others].join('\n                ')}
The admin area  ${site}admin   user developer, password in ${stack.folder}/secrets/admin_password
The database    127.0.0.1:${stack.ports.db} on ${hosts.length > 1 ? host.name : 'the server'}, user developer, password in ${stack.folder}/secrets/db_developer_password${backups}
Next            npm run redeploy${ssh}   after a change in ${stack.app.source}/
                npm run verify${ssh}     any time`)
}

await script(
  import.meta.url,
  `
Runs the steps 01 to 04, then checks every line of the task sheet.

  npm run deploy [-- --host USER@NAME]

  --fresh            pull or make all base images anew, for security fixes, and replace the containers
  --yes              do not ask before this machine becomes the server

Examples:
  npm run deploy -- --host admin@203.0.113.7
  npm run deploy -- --fresh
`,
  deploy,
  0,
  'setup',
)
