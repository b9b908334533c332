/** HAProxy: its configuration, which is the folder haproxy/ with values of config/stack.yaml filled in. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isSwarm, ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { client } from './balancer.mts'
import { applyConfig, type Reloadable } from './service-config.mts'

/** User and group id of HAProxy in the images of both modes. */
const HAPROXY = 99

/** How HAProxy is reloaded. */
export const haproxy = (stack: StackConfig): Reloadable => ({
  service: 'balancer',
  folder: 'haproxy',
  setup: join([
    bash`
install -d -m 700 -o ${HAPROXY} -g ${HAPROXY} run
[ -e replicas.map ] || : >replicas.map
ask() { ${client(stack, ['ask'])} "$1"; }`,
    remote('reload-haproxy'),
  ]),
})

/**
 * Applies the current configuration to HAProxy; starts HAProxy if it does not run.
 * @returns `started`, `reloaded`, or the empty text when there was nothing to do
 * @throws CommandError when HAProxy refuses the configuration; the previous one stays in use
 */
export async function refreshHaproxy(host: Host, stack: StackConfig): Promise<string> {
  return await applyConfig(host, stack, {
    ...haproxy(stack),
    files: haproxyFiles(stack),
    check: (folder) => ['haproxy', '-c', '-q', '-f', `${folder}/haproxy.cfg`],
  })
}

/** The files by name; `${NAME}` in them is replaced by its value. */
export function haproxyFiles(stack: StackConfig): Record<string, string> {
  const values: Record<string, string | number> = {
    APP_TIMEOUT: stack.app.timeout,
    HOST: stack.domain || 'localhost',
    // Swarm's replicas, or those of Compose, which are on one network alone: on the way from one host to several or back, both
    // are called app. On the way there, those of Compose get the name of the others, too (remote/connect.sh).
    NAME: isSwarm(stack) ? 'tasks.app' : `app.${stack.project}_frontend`,
    // Longer than PROCESS1_PAUSE in compose/swarm.yaml.
    HOLD: isSwarm(stack) ? 5 : 0,
    // A host that is lost takes several replicas with it, and a retry may meet another one of them.
    RETRIES: isSwarm(stack) ? 8 : 3,
  }
  const folder = path.join(ROOT, 'haproxy')
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const text = readFileSync(path.join(folder, name), 'utf8')
      return [name, text.replaceAll(/\$\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole))]
    }),
  )
}
