/** Restarts a service: replicas by the loop of a rollout, the others in the way that clients notice least. */
import { NOTHING_CHANGED, OperatorError } from './lib/cli/errors.mts'
import { list, say, step } from './lib/cli/say.mts'
import type { StackConfig } from './lib/config/config.mts'
import { haproxy } from './lib/edge/haproxy.mts'
import { nginx } from './lib/edge/nginx.mts'
import { reloadService } from './lib/edge/service-config.mts'
import { oneByOne } from './lib/host/each.mts'
import type { Host } from './lib/host/host.mts'
import { withLock } from './lib/host/lock.mts'
import { untilFound } from './lib/rollout/fleet.mts'
import { counted, startAgain } from './lib/rollout/replacement.mts'
import { type Run, script } from './lib/run.mts'
import { nothingRuns, placed } from './lib/stack/services.mts'
import { answering, containerOf, type Single, stateOf } from './lib/stack/stack.mts'

export async function restart(run: Run): Promise<void> {
  const { host, stack, engine, words } = run
  const { service, container, hosts } = placed(stack, words, run.hosts)
  say(`restart on ${list(hosts.map(({ name }) => name))}`)
  if (service === 'app') return await restartReplicas(run, hosts, container)
  for (const one of hosts) await stateOf(one, stack, service) // none is restarted unless each has one
  await withLock(host, stack, `a restart of ${service}`, async () => {
    const present = await engine.present(host)
    const used = hosts.filter((one) => present.includes(one))
    await oneByOne(used, (one) => step(service, () => restartService(run, one, service)))
  })
}

/** Restarts a service of one container, or starts it. @returns what was done */
async function restartService({ stack }: Run, host: Host, service: Single): Promise<string> {
  const state = await stateOf(host, stack, service)
  if (service in RELOADED && (await host.attempt(answering(stack, service))).exitCode === 0)
    return await reloaded(host, stack, service as 'lb')
  const seen = await startAgain(host, stack, service)
  if (service === 'balancer') await untilFound(host, stack)
  return state === 'running' ? `started again (${seen})` : `started; it was ${state} (${seen})`
}

/** Services whose first process can replace the workers below it. No connection is refused meanwhile. */
const RELOADED = { lb: nginx, balancer: haproxy }

/** nginx may refuse a request on a fresh HTTP/2 connection (REFUSED_STREAM). Browsers repeat it. */
const RELOADED_NOTICED = {
  lb: 'no connection is refused; a request by HTTP/2 may be, and browsers repeat it',
  balancer: 'clients do not notice',
}

async function reloaded(host: Host, stack: StackConfig, service: 'lb' | 'balancer'): Promise<string> {
  say(
    `The workers of ${containerOf(stack, service)} are replaced by fresh ones: ${RELOADED_NOTICED[service]}.`,
  )
  return `fresh workers (${await counted(host, stack, () => reloadService(host, stack, RELOADED[service](stack)))})`
}

/**
 * @param hosts those with the replicas to replace
 * @param only  name of the replica to replace; empty: all of them
 */
async function restartReplicas(run: Run, hosts: readonly Host[], only: string): Promise<void> {
  const { host, stack, engine } = run
  const found = await engine.replicas(host)
  if (found.length === 0) throw nothingRuns(engine.hosts, stack)
  const again = found.filter((one) => (only === '' || one.name === only) && hosts.includes(one.host))
  if (again.length === 0)
    throw new OperatorError(
      `There is no replica ${only} on ${list(hosts.map(({ name }) => name))}; the replicas are ${list(found.map(({ title }) => title))}`,
      '',
      NOTHING_CHANGED,
    )
  const some = again.length < found.length && (only !== '' || hosts.length < run.hosts.length)
  await withLock(host, stack, 'a restart of the replicas', () => engine.replace(host, again, some))
}

await script(
  import.meta.url,
  `
Restarts a service, and says first what clients notice. A service that was stopped by hand is started.
Replicas are replaced as in a rollout. The load balancer and the balancer get fresh workers.
The database, its port and Redis are down for some seconds.

  npm run restart [-- SERVICE --host USER@NAME]

  SERVICE            app (all replicas, unless told), balancer, db, dbport, lb, redis, or one replica: app-3. With several
                     hosts, one host after the other; or a host may follow: lb admin@b.example.org

Examples:
  npm run restart
  npm run restart -- redis
`,
  restart,
  2,
  'each',
)
