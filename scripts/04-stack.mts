/** Redis, the replicas, the certificate and the load balancer: the site. */
import { ensureAdminPassword, ensureCertificate } from './lib/certificate.mts'
import { baseImages, imageMode } from './lib/images.mts'
import { requireBuilt, sourceOf } from './lib/release.mts'
import { look } from './lib/rollout.mts'
import { begin } from './lib/run.mts'
import { say, step } from './lib/say.mts'
import { ensureSecrets } from './lib/secrets.mts'
import { up, writeStack } from './lib/stack.mts'

const { host, stack, options } = begin(`
Starts Redis, the replicas and the load balancer on HTTPS. A second run changes nothing and drops no request.

  npx zx scripts/04-stack.mts [--host USER@NAME]
`)

say(`04-stack on ${host.name}`)
const images = baseImages(stack, await imageMode(host, stack))
const { release } = sourceOf(stack, images.python)
await requireBuilt(host, stack, release)
await ensureSecrets(host, stack)

await step('Redis', async () => {
  await writeStack(host, stack, images)
  return (await up(host, stack, release, 'redis')) ? 'started' : 'runs: nothing to do'
})
await step('Certificate', async () => {
  const reason = await ensureCertificate(host, stack)
  return reason ? `made by openssl (${reason})` : 'fits and lasts: nothing to do'
})
await step('Admin password', async () =>
  (await ensureAdminPassword(host, stack)) ? 'set for the user developer' : 'nothing to do',
)

const { changed } = await look(host, stack)
// The replicas come and go by one loop, whether it is the first start or a new release.
options.release = release
await import('./redeploy.mts')

await step('Load balancer', async () => {
  const started = await up(host, stack, release, 'lb')
  return changed || started ? 'reloaded' : 'runs: nothing to do'
})
