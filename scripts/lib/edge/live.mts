/** The configuration of a service that is never stopped for it: judged, put in place by a rename, and loaded. */
import { hash } from 'node:crypto'
import type { StackConfig } from '../config/config.mts'
import { writeScript } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { composeFor, containerOf } from '../stack/stack.mts'

/** Seconds until a reload must have brought a new worker. */
const RELOAD_DEADLINE = 30

export interface Loaded {
  service: 'lb' | 'balancer'
  /** Below the server's folder; /etc/prusa in the container. */
  folder: string
  /** Defines `reload`, and what else is to be done before. */
  before: Script
}

export interface Live extends Loaded {
  files: Record<string, string>
  /** The command that judges the candidate in this folder. */
  check(folder: string): string[]
}

/** Has a service that runs load its configuration again, by fresh workers; those of before finish what they hold. */
export async function reload(
  host: Host,
  stack: StackConfig,
  { service, folder, before }: Loaded,
): Promise<void> {
  const container = containerOf(stack, service)
  await host.run(
    `Reloading ${service}`,
    join([
      bash`
container=${container} deadline=${RELOAD_DEADLINE}
master=$(docker inspect -f '{{.State.Pid}}' ${container})
cd ${`${stack.folder}/${folder}`}
was=$(readlink live)`,
      before,
      bash`reload`,
    ]),
    { deadline: 60 + RELOAD_DEADLINE },
  )
}

/**
 * Puts the configuration in force, where it is not yet; starts the service where it does not run.
 * @returns what was done: `started`, `reloaded`, or nothing
 * @throws CommandError when the service refuses it; the one before stays in force
 */
export async function putInForce(host: Host, stack: StackConfig, live: Live): Promise<string> {
  const { service, files } = live
  const folder = `${stack.folder}/${live.folder}`
  const digest = hash('sha256', JSON.stringify(files))
  const name = `config-${digest.slice(0, 12)}`
  const contents = Object.entries(files).map(([file, content]) => ({
    path: `${folder}/${name}/${file}`,
    content,
  }))
  const output = await host.run(
    `Changing the configuration of ${service}`,
    join([
      composeFor(stack, 'none'),
      bash`
[ -d ${folder} ] || mkdir -p ${folder}
cd ${folder}
check=(${live.check(`/etc/prusa/${name}`)})`,
      live.before,
      bash`written() {
  {`,
      writeScript(contents),
      bash`
  } >/dev/null
}`,
      remote('live', { name, service, container: containerOf(stack, service), deadline: RELOAD_DEADLINE }),
    ]),
    { deadline: 60 + RELOAD_DEADLINE },
  )
  return output.trim()
}
