/** Services of one container: started where they do not run, replaced where they are outdated, by what a client notices. */

import { count, warn } from '../cli/say.mts'
import { waitUntil } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { Site } from '../edge/site.mts'
import type { Host } from '../host/host.mts'
import { bash, join } from '../host/shell.mts'
import { summarize, trying } from '../proof/probe.mts'
import { composeFor, containerOf, type Single, up } from '../stack/stack.mts'

/** Seconds until the site must answer again. */
const BACK_DEADLINE = 60

/** What is noticed for the seconds that the container is not there. */
const NOTICED: Record<Single, string> = {
  db: 'requests that need the database wait or fail',
  dbport: 'connections to the database’s port on the server are cut',
  redis: 'requests that need Redis wait or fail',
  balancer: 'the site answers 503',
  lb: 'the site does not answer',
}

/** Sees to it that a service runs as configured and answers; returns what was done, empty when nothing was to do. */
export async function bring(
  host: Host,
  stack: StackConfig,
  release: string,
  service: Single,
): Promise<string> {
  if (!(await isOutdated(host, stack, release, service)))
    return (await up(host, stack, release, service)) ? 'started' : ''
  warn(
    `${containerOf(stack, service)} is replaced, since its image or its settings have changed: for some seconds ${NOTICED[service]}.`,
  )
  const seen = await counted(host, stack, () => up(host, stack, release, service))
  return `replaced (${seen})`
}

/** Starts a container that is there once more, as it is; returns what clients saw of it. */
export async function startAgain(host: Host, stack: StackConfig, service: Single): Promise<string> {
  const container = containerOf(stack, service)
  warn(`${container} is started again: for some seconds ${NOTICED[service]}.`)
  return await counted(host, stack, () => up(host, stack, 'none', service, ['docker', 'restart', container]))
}

/** Whether a container that runs would be replaced: what Compose itself says that it would do. */
async function isOutdated(
  host: Host,
  stack: StackConfig,
  release: string,
  service: Single,
): Promise<boolean> {
  const output = await host.run(
    `Looking at ${service}`,
    join([
      composeFor(stack, release),
      bash`
[ -n "$(docker ps -q --filter ${`name=^/${containerOf(stack, service)}$`})" ] || exit 0
compose up --dry-run -d --no-deps --no-build ${service} 2>&1`,
    ]),
  )
  return /\bRecreate\b/.test(output)
}

/** Does the work while a client asks the site, where it answers; says what the client saw. */
export async function counted(host: Host, stack: StackConfig, work: () => Promise<unknown>): Promise<string> {
  const { path, rate, timeout } = stack.probe
  const [probe, first] = await trying({ site: Site.of(host, stack), path, rate, timeout })
  if (!first || first.error) {
    await work()
    return 'nobody counted requests: the site did not answer before'
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
