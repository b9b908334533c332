/** Starts the site: Redis, the certificate, the balancer, the replicas and the load balancer. */

import { ensureSchedule } from './lib/backup/schedule.mts'
import { say, step, warn } from './lib/cli/say.mts'
import { ensureIssued, ensureTaken, readCa, reportFailure } from './lib/edge/acme.mts'
import { ensureAdminPassword, ensureCertificate } from './lib/edge/certificate.mts'
import { refreshHaproxy } from './lib/edge/haproxy.mts'
import { refreshNginx, showCertificate } from './lib/edge/nginx.mts'
import { type OwnCertificate, readOwnCertificate } from './lib/edge/own-certificate.mts'
import { renewal } from './lib/edge/renewal.mts'
import { onEach, oneByOne } from './lib/host/each.mts'
import type { Host } from './lib/host/host.mts'
import { withLock } from './lib/host/lock.mts'
import { sourceOf } from './lib/images/application.mts'
import { identityOf, ownName, pruneImages } from './lib/images/base.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { requireBuilt } from './lib/images/release.mts'
import { bring } from './lib/rollout/replacement.mts'
import { keepTarget } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { removeTimer } from './lib/server/timer.mts'
import { ensureSecrets } from './lib/stack/secrets.mts'
import { writeStack } from './lib/stack/stack.mts'
import { requireFit } from './lib/stack/volumes.mts'

export async function startStack(run: Run): Promise<void> {
  const { host, stack, engine } = run
  // A wrong file is reported before anything changes.
  const own = readOwnCertificate(stack)
  readCa(stack)
  say(`04-stack on ${host.name}`)
  for (const warning of own?.warnings ?? []) warn(warning)
  const images = baseImages(stack, await imageMode(host, stack))
  const { release: built } = sourceOf(stack, await identityOf(host, stack, images))
  await requireBuilt(host, stack, built)
  const certbot = images.certbot && ownName(stack, 'certbot', images.certbot)
  const refreshed = async (one: Host, service: 'balancer' | 'lb', refresh: typeof refreshNginx) => {
    const done = await refresh(one, stack)
    return (await bring(one, stack, built, service)) || done || 'runs: nothing to do'
  }
  await withLock(host, stack, '04-stack', async () => {
    await requireFit(host, stack, images)
    await ensureSecrets(host, stack)

    await step('Redis', async () => {
      await writeStack(host, stack, images)
      return (await bring(host, stack, built, 'redis')) || 'runs: nothing to do'
    })
    await step('Certificate', () => certify(run, own))
    await step('Admin password', async () =>
      (await ensureAdminPassword(host, stack)) ? 'set for the user developer' : 'nothing to do',
    )

    const target = await keepTarget(host, stack, built)
    const present = await engine.equip(host)
    await oneByOne(present, async (one) => {
      if (one !== host) await writeStack(one, stack, images)
      await step('Balancer', () => refreshed(one, 'balancer', refreshHaproxy))
    })
    // One loop starts and replaces the replicas, at the first start as for a new release.
    await engine.rollOut(host, { target })

    await oneByOne(present, (one) => step('Load balancer', () => refreshed(one, 'lb', refreshNginx)))
    await pruneImages(host, stack) // the replaced images are not in use any more
    await step('Backup', async () => {
      const { by, changed } = await ensureSchedule(host, stack, run.server)
      const when = by ? `every day at ${stack.backup.at} by ${by}` : 'no daily backup (backup.at)'
      return changed ? when : `${when}: nothing to do`
    })
    // This comes last, since the CA asks the running site for the proof. Until then the site uses the certificate above.
    if (certbot) await step('Renewal', () => issueAndRenew(run, present, certbot))
    else if ((await onEach(present, (one) => removeTimer(one, renewal(stack)))).some(Boolean))
      await step('Renewal', async () => 'timer removed')
  })
}

/** @param own the pair of `tls: files` @returns what was done */
async function certify({ host, stack, hosts }: Run, own?: OwnCertificate): Promise<string> {
  const done = await ensureCertificate(host, stack, own, hosts)
  // At once: until nginx shows it, our own clients trust nothing.
  if (done) await showCertificate(host, stack)
  return done || 'fits and lasts: nothing to do'
}

/** Gets the CA's certificate and sees that it is renewed. Returns what was done. */
async function issueAndRenew({ host, stack, engine }: Run, present: readonly Host[], certbot: string) {
  const { changed, timer, failure } = await ensureIssued(host, stack, certbot)
  if (failure) warn(await reportFailure(host, stack, failure))
  await engine.mirror(host, present)
  for (const one of present) if (one !== host) await ensureTaken(one, stack)
  // With a CA's certificate, nginx sends HSTS.
  if (changed) for (const one of present) await refreshNginx(one, stack)
  const by = `twice a day by ${timer.by}`
  if (changed) return `certificate of ${stack.domain} issued; renewed ${by}`
  return timer.changed || failure ? by : `${by}, not due: nothing to do`
}

await script(
  import.meta.url,
  `
Starts Redis, the replicas and the load balancer on HTTPS. A second run changes nothing and drops no request.

  npx zx scripts/04-stack.mts [--host USER@NAME]

Examples:
  npx zx scripts/04-stack.mts
  npx zx scripts/04-stack.mts --host admin@203.0.113.7
`,
  startStack,
  0,
  'setup',
)
