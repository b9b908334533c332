/** The balancer's configuration: haproxy/ with what config/stack.yaml says filled in. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { client } from './balancer.mts'
import { type Loaded, putInForce } from './live.mts'

/** User and group of HAProxy in the images of both modes. */
const HAPROXY = 99

/** How HAProxy is reloaded. */
export const balancer = (stack: StackConfig): Loaded => ({
  service: 'balancer',
  folder: 'haproxy',
  before: join([
    bash`
install -d -m 700 -o ${HAPROXY} -g ${HAPROXY} run
[ -e replicas.map ] || : >replicas.map
ask() { ${client(stack, ['ask'])} "$1"; }`,
    remote('reload-haproxy', {}),
  ]),
})

/** Gives HAProxy the configuration of now, and starts it where it does not run; returns which of the two was done, if any. */
export async function refreshBalancer(host: Host, stack: StackConfig): Promise<string> {
  return await putInForce(host, stack, {
    ...balancer(stack),
    files: haproxyFiles(stack),
    check: (folder) => ['haproxy', '-c', '-q', '-f', `${folder}/haproxy.cfg`],
  })
}

export function haproxyFiles(stack: StackConfig): Record<string, string> {
  const values: Record<string, string | number> = {
    APP_TIMEOUT: stack.app.timeout,
    HOST: stack.domain || 'localhost',
  }
  const folder = path.join(ROOT, 'haproxy')
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const text = readFileSync(path.join(folder, name), 'utf8')
      return [name, text.replaceAll(/\$\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole))]
    }),
  )
}
