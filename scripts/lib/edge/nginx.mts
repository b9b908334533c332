/** nginx: its configuration for this deployment, checked by nginx itself and loaded by a graceful reload. */
import { isSwarm, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { mutex } from '../host/lock.mts'
import { bash, join, remote } from '../host/shell.mts'
import { answering, containerOf, own } from '../stack/stack.mts'
import { type Certificate, readFacts } from './certificate.mts'
import { applyConfig, type Reloadable, reloadService } from './service-config.mts'
import { readCertificate } from './site.mts'

/** Seconds for which a browser remembers to ask this site over HTTPS only: a year. */
const HSTS = 365 * 24 * 3600
/** Seconds for which one of several hosts refuses clients when it boots and its balancer finds no replica. */
const PATIENCE = 60

/** How nginx is reloaded. */
export const nginx = (stack: StackConfig): Reloadable => ({
  service: 'lb',
  folder: 'nginx',
  setup: join([mutex(stack, 'nginx'), remote('reload-nginx')]),
})

/**
 * Applies the current configuration to nginx; starts nginx if it does not run.
 * @returns `started`, `reloaded`, or the empty text when there was nothing to do
 * @throws CommandError when nginx refuses the configuration; the previous one stays in use
 */
export async function refreshNginx(host: Host, stack: StackConfig): Promise<string> {
  const certificate = readFacts(await readCertificate(host, stack))
  return await applyConfig(host, stack, {
    ...nginx(stack),
    files: {
      'nginx.conf': own('nginx/nginx.conf'),
      'site.conf': siteConf(stack, certificate, await acmeHostOf(host, stack)),
      'nginx.sh': own('compose/nginx.sh').replace('${PATIENCE}', String(isSwarm(stack) ? PATIENCE : 0)),
    },
    // A container from before the spool folder existed is reloaded once before it is replaced.
    check: (folder) => ['sh', '-c', `mkdir -p /tmp/spool; exec nginx -t -q -c ${folder}/nginx.conf`],
  })
}

/** Address and port of the host that answers the CA's challenge for this one; empty: this one does. */
async function acmeHostOf(host: Host, stack: StackConfig): Promise<string> {
  if (stack.tls !== 'letsencrypt' || !isSwarm(stack) || host.address === stack.hosts[0]) return ''
  const address = await host.run('Reading the address of the first host', bash`cat ${addressFile(stack)}`)
  return `${address.trim()}:${stack.ports.http}`
}

/** Holds the address at which the other hosts reach the first one. */
const addressFile = ({ folder }: StackConfig) => `${folder}/address`

/** Notes that address on the first host. The name that the operator's machine knows may mean nothing to the others. */
export async function noteAddress(first: Host, stack: StackConfig): Promise<void> {
  await first.run('Noting the address', bash`docker info -f '{{.Swarm.NodeAddr}}' >${addressFile(stack)}`)
}

/** Lets nginx show the installed certificate, with the configuration that it has. Does nothing while it does not run. */
export async function showCertificate(host: Host, stack: StackConfig): Promise<void> {
  if ((await stateOfNginx(host, stack)) !== 'down') await reloadService(host, stack, nginx(stack))
}

/** What a host does whose nginx is waiting, as the end of a sentence. */
export const REFUSES = 'refuses clients: nginx waits there until its balancer has found a replica'

/** Whether nginx answers. `waiting`: its container runs, and refuses clients (compose/nginx.sh). */
export async function stateOfNginx(host: Host, stack: StackConfig): Promise<'answers' | 'waiting' | 'down'> {
  const name = `name=^/${containerOf(stack, 'lb')}$`
  const look = bash`if ${answering(stack, 'lb')}; then echo answers; else docker ps -q --filter ${name}; fi`
  const { stdout } = await host.attempt(look)
  return stdout === 'answers\n' ? 'answers' : stdout ? 'waiting' : 'down'
}

/**
 * The file site.conf: what config/stack.yaml says about the site. It names the certificate's fingerprint, so that
 * another certificate makes another configuration.
 *
 * HSTS depends on the installed certificate, not on the configured one: while an order fails, the site has its
 * self-signed certificate, and a browser that knows HSTS lets nobody past its warning.
 *
 * OCSP is stapled only if the certificate names a responder. Let's Encrypt's certificates name none, and nginx would log
 * a warning at every reload.
 */
export function siteConf(stack: StackConfig, certificate: Certificate, acmeHost = ''): string {
  const { domain, limits, log, ports } = stack
  const port = ports.https === 443 ? '' : `:${ports.https}`
  const trusted = stack.tls !== 'self-signed' && !certificate.selfSigned
  return `# certificate ${certificate.fingerprint}
map $scheme $hsts {
  default "";
  https "${trusted ? `max-age=${HSTS}` : ''}";
}
ssl_stapling ${trusted && certificate.ocsp ? 'on' : 'off'};
map "" $site_name {
  default ${domain || '$host'};
}
map "" $site_port {
  default "${port}";
}
map "" $acme_host {
  default "${acmeHost}";
}
map $host $unknown_host {
  default ${domain ? 1 : 0};${domain ? `\n  ${domain} 0;` : ''}
}
map $request_uri $logged_uri {
  default $request_uri;${log.redact.length > 0 ? `\n  ${redactionRule(log.redact)}` : ''}
}
limit_req_zone $binary_remote_addr zone=requests:10m rate=${limits.requests}r/s;
limit_req zone=requests burst=${limits.requests} nodelay;
limit_conn_zone $binary_remote_addr zone=connections:10m;
limit_conn connections ${limits.connections};
client_max_body_size ${limits.body}m;
`
}

/**
 * A line of nginx's map that removes the query string if it contains one of these parameters. A percent-encoded name
 * could be any of them, so it counts, too.
 */
function redactionRule(names: readonly string[]): string {
  const name = [...names, '[^=&]*%[^=&]*'].join('|')
  return `"~*^(?<page>[^?]*)\\?(.*[&;?])?(${name})(=|&|;|$)" "$page?[redacted]";`
}
