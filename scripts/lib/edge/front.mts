/** The front door: nginx's configuration, put in force by one validated, atomic, graceful reload. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { mutex } from '../host/lock.mts'
import { join, remote } from '../host/shell.mts'
import { readFacts } from './certificate.mts'
import { type Loaded, putInForce } from './live.mts'
import { siteConf } from './nginx.mts'
import { readCertificate } from './site.mts'

/** How nginx is reloaded. */
export const front = (stack: StackConfig): Loaded => ({
  service: 'lb',
  folder: 'nginx',
  before: join([mutex(stack, 'nginx'), remote('reload-nginx', {})]),
})

/**
 * Gives nginx the configuration of now, and starts it where it does not run; returns which of the two was done, if any.
 * @throws CommandError when nginx refuses it; the one before stays in force
 */
export async function refreshFront(host: Host, stack: StackConfig): Promise<string> {
  const facts = readFacts(await readCertificate(host, stack))
  return await putInForce(host, stack, {
    ...front(stack),
    files: {
      'nginx.conf': readFileSync(path.join(ROOT, 'nginx/nginx.conf'), 'utf8'),
      'site.conf': siteConf(stack, facts),
    },
    // A container of a deployment from before it had a spool is reloaded once more before it is replaced.
    check: (folder) => ['sh', '-c', `mkdir -p /tmp/spool; exec nginx -t -q -c ${folder}/nginx.conf`],
  })
}
