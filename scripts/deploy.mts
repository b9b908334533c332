/** The whole road: from a bare server to the application on HTTPS, and the proof. Any number of times. */
import { readCa } from './lib/acme.mts'
import { confirmThisMachine } from './lib/confirm.mts'
import { withLock } from './lib/lock.mts'
import { readPair } from './lib/pair.mts'
import { preflight } from './lib/preflight.mts'
import { begin } from './lib/run.mts'
import { result } from './lib/say.mts'
import { Site } from './lib/site.mts'

const run = begin(`
Does steps 01 to 04 one after the other, then verifies the result against the task sheet.

  npm run deploy [-- --host USER@NAME]

  --fresh            pull or make all base images anew, for security fixes, and replace what runs on the old ones
  --yes              do not ask before this machine itself is made the server
`)

// What is wrong with the certificate's files is told before anything is touched.
readPair(run.stack)
readCa(run.stack)
await confirmThisMachine(run)
const { host, stack } = run
// A server that cannot take the deployment gets nothing, the lock's files included.
await preflight(host, stack, run.options.fresh)
await withLock(host, stack, 'deploy', async () => {
  await import('./01-server.mts')
  await import('./02-build.mts')
  await import('./03-db.mts')
  await import('./04-stack.mts')
})
await import('./verify.mts')

const site = Site.of(host, stack).url('/')
const ssh = host.local ? '' : ` -- --host ${host.address}`
result(`
The site        ${site}
The admin area  ${site}admin   user developer, password in ${stack.folder}/secrets/admin_password
The database    127.0.0.1:${stack.ports.db} on the server, user developer, password in ${stack.folder}/secrets/db_developer_password
Next            npm run redeploy${ssh}   after a change in ${stack.app.source}/
                npm run verify${ssh}     any time`)
