/** Services with one container: started if they do not run, replaced if they are outdated. */

import { count, warn } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { Site } from '../edge/site.mts'
import type { Host } from '../host/host.mts'
import { bash, join } from '../host/shell.mts'
import { summarize, trying } from '../proof/probe.mts'
import { answering, composeFor, containerOf, type Single, up } from '../stack/stack.mts'

/** Seconds within which the site must answer again. */
const BACK_DEADLINE = 60

/** What clients notice while the container does not run. */
const NOTICED: Record<Single, string> = {
  db: 'requests that need the database wait or fail',
  dbport: 'connections to the database’s port on the server are cut',
  redis: 'requests that need Redis wait or fail',
  balancer: 'the site answers 503',
  lb: 'the site does not answer',
}

/** Makes a service run as configured. Returns what was done; empty if there was nothing to do. */
export async function bring(
  host: Host,
  stack: StackConfig,
  release: string,
  service: Single,
): Promise<string> {
  const seen = await look(host, stack, release, service)
  if (seen === 'runs') return ''
  if (seen !== 'outdated') return (await up(host, stack, release, service)) ? 'started' : ''
  warn(
    `${containerOf(stack, service)} is replaced, because its image or its settings have changed: for some seconds ${NOTICED[service]}.`,
  )
  const clients = await counted(host, stack, () => up(host, stack, release, service))
  return `replaced (${clients})`
}

/** Restarts a container as it is. Returns what the probe saw. */
export async function startAgain(host: Host, stack: StackConfig, service: Single): Promise<string> {
  const container = containerOf(stack, service)
  warn(`${container} is started again: for some seconds ${NOTICED[service]}.`)
  return await counted(host, stack, () => up(host, stack, 'none', service, ['docker', 'restart', container]))
}

/** Whether a running container would be replaced, by Compose's own dry run; if not, whether it answers. */
async function look(
  host: Host,
  stack: StackConfig,
  release: string,
  service: Single,
): Promise<'outdated' | 'runs' | 'does not run'> {
  const container = containerOf(stack, service)
  const output = await host.run(
    `Looking at ${service}`,
    join([
      composeFor(stack, release),
      bash`
[ -n "$(docker ps -q --filter ${`name=^/${container}$`})" ] || exit 0
compose up --dry-run -d --no-deps --no-build ${service} 2>&1
! ${answering(stack, service)} || echo answers`,
    ]),
  )
  if (/\bRecreate\b/.test(output)) return 'outdated'
  return /^answers$/m.test(output) ? 'runs' : 'does not run'
}

/** Does the work while the probe asks the site. Returns what the probe saw. */
export async function counted(host: Host, stack: StackConfig, work: () => Promise<unknown>): Promise<string> {
  const { path, rate, timeout } = stack.probe
  const [probe, first] = await trying({ site: Site.of(host, stack), path, rate, timeout })
  if (!first || first.error) {
    await work()
    return 'the probe did not run: the site was not up before'
  }
  probe.start()
  try {
    await work()
    const done = Date.now()
    await waitUntil('the site answers again', BACK_DEADLINE, async () =>
      probe.samples.some(({ due, error }) => due > done && !error) ? '' : (probe.samples.at(-1)?.error ?? ''),
    )
  } finally {
    await probe.stop()
  }
  const { requests, failed, slowest } = summarize(probe.samples)
  return `${count(requests, 'request')} meanwhile, ${failed.length} failed, slowest ${slowest} ms`
}
