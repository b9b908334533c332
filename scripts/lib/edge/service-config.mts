/** Changes the configuration of nginx or HAProxy without a stop: the service checks it, a rename installs it, a reload loads it. */
import { hash } from 'node:crypto'
import type { StackConfig } from '../config/config.mts'
import { writeScript } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { composeFor, containerOf } from '../stack/stack.mts'

/** Seconds in which a reload must start new workers. */
const RELOAD_DEADLINE = 30

const SCRIPT_DEADLINE = 60 + RELOAD_DEADLINE

/** A service that can load its configuration again while it runs. */
export interface Reloadable {
  service: 'lb' | 'balancer'
  /** Its folder below the deployment's; /etc/prusa in the container. */
  folder: string
  /** Runs first, in that folder; defines the function `reload`. */
  setup: Script
}

/** A configuration of such a service. */
interface ServiceConfig extends Reloadable {
  /** Contents by file name. */
  files: Record<string, string>
  /** The service's own command that checks the configuration in a folder of the container. */
  check(folder: string): string[]
}

/** Starts fresh workers with the installed configuration; the old workers finish their requests. */
export async function reloadService(
  host: Host,
  stack: StackConfig,
  { service, folder, setup }: Reloadable,
): Promise<void> {
  const variables = bash`
container=${containerOf(stack, service)} deadline=${RELOAD_DEADLINE}
master=$(docker inspect -f '{{.State.Pid}}' "$container")
cd ${`${stack.folder}/${folder}`}
was=$(readlink live)`
  const script = join([variables, setup, bash`reload`])
  await host.run(`Reloading ${service}`, script, { deadline: SCRIPT_DEADLINE })
}

/**
 * Installs and loads a configuration unless it is in use already. Starts the service if it does not run.
 * @returns `started`, `reloaded`, or the empty text when there was nothing to do
 * @throws CommandError when the service refuses the configuration; the previous one stays in use
 */
export async function applyConfig(host: Host, stack: StackConfig, config: ServiceConfig): Promise<string> {
  const { service, files, setup, check } = config
  const folder = `${stack.folder}/${config.folder}`
  const name = `config-${hash('sha256', JSON.stringify(files)).slice(0, 12)}`
  const contents = Object.entries(files).map(([file, content]) => ({
    path: `${folder}/${name}/${file}`,
    content,
  }))
  const parameters = { name, service, container: containerOf(stack, service), deadline: RELOAD_DEADLINE }
  const script = join([
    composeFor(stack, 'none'),
    bash`
mkdir -p ${folder}
cd ${folder}
check=(${check(`/etc/prusa/${name}`)})`,
    setup,
    bash`write_candidate() {`,
    writeScript(contents),
    bash`}`,
    remote('apply-config', parameters),
  ])
  const output = await host.run(`Changing the configuration of ${service}`, script, {
    deadline: SCRIPT_DEADLINE,
  })
  return output.trim()
}
