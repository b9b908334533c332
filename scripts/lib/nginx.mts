/** What nginx is given beside nginx/nginx.conf: site.conf from the configuration, upstream.conf from the replicas. */
import type { Certificate } from './certificate.mts'
import type { StackConfig } from './config.mts'

/** Seconds beyond the application's timeout in which another replica may still be asked. */
const CONNECT_ROOM = 5

/** Seconds that a browser remembers never to ask this site over HTTP: a year. */
const HSTS = 365 * 24 * 3600

/** A replica as the load balancer needs to know it. */
export interface Member {
  /** Container name. */
  name: string
  /** Address on the network that it shares with the load balancer; empty when it does not run. */
  address: string
  release: string
}

/**
 * The replicas that may be sent requests, by their names, so that one that comes back with another address is found again.
 * What nginx asks when no name may be is a file in its container's memory, see `backupConf`.
 */
export function upstreamConf(replicas: readonly Member[]): string {
  const servers = replicas.map(({ name }) => `  server ${name}:5000 resolve max_fails=1 fail_timeout=1s;`)
  // The last address is the one that answered.
  const releases = replicas
    .filter(({ address }) => address)
    .map(({ address, release }) => `  "~(^| )${address.replaceAll('.', '\\.')}:5000$" ${release};\n`)
  return `# For the access log.
map $upstream_addr $release {
  default "";
${releases.join('')}}

# A backup is a replica's second name: each is still asked once at most.
proxy_next_upstream_tries ${replicas.length};

upstream app {
  zone app 256k;
${replicas.length > 0 ? servers.join('\n') : '  server 127.0.0.1:1 down;'}
  include ${BACKUP}*.conf;
  keepalive 32;
}
`
}

/** Beginning of the path in the load balancer's container, in memory: gone when the container ends. */
export const BACKUP = '/tmp/backup'

/**
 * The replicas by their addresses of now. They are asked when no name may be,
 * - by a fresh worker, until Docker's DNS has answered it. (nginx takes over the names that the configuration before
 *   had resolved, but with surge all every name is new; on a busy machine that cost two of thousands of requests a 502.)
 * - when every replica has just failed a request and is passed over for a second, as nginx does: better one that
 *   failed once than none.
 * An address is somebody else's when the network was made anew (docker compose down, up). So a load balancer that starts
 * has none of them; compose/stack.yaml gives it all replicas by the name of their service instead.
 */
export function backupConf(replicas: readonly Member[]): string {
  return replicas
    .filter(({ address }) => address)
    .map(({ address }) => `server ${address}:5000 backup max_fails=0;\n`)
    .join('')
}

/**
 * What the configuration says about the site. The certificate's fingerprint makes another one another configuration.
 *
 * HSTS goes with a certificate that a CA issued, by what is installed and not by what was asked for: while an issuance
 * fails the site is on its self-signed one, and a browser that was told HSTS lets nobody past its warning.
 *
 * OCSP is stapled where the certificate names a responder. Let's Encrypt has ended OCSP (its certificates name none, and
 * nginx would log a warning at every reload); other CAs go on with it.
 */
export function siteConf(stack: StackConfig, certificate: Certificate): string {
  const { app, domain, limits, log, ports } = stack
  const port = ports.https === 443 ? '' : `:${ports.https}`
  const real = stack.tls !== 'self-signed' && !certificate.selfSigned
  return `# certificate ${certificate.fingerprint}
map $scheme $hsts {
  default "";
  https "${real ? `max-age=${HSTS}` : ''}";
}
ssl_stapling ${real && certificate.ocsp ? 'on' : 'off'};
map "" $site_name {
  default ${domain || '$host'};
}
map "" $site_port {
  default "${port}";
}
map $host $unknown_host {
  default ${domain ? 1 : 0};${domain ? `\n  ${domain} 0;` : ''}
}
map $request_uri $logged_uri {
  default $request_uri;${log.redact.length > 0 ? `\n  ${redacting(log.redact)}` : ''}
}
limit_req_zone $binary_remote_addr zone=requests:10m rate=${limits.requests}r/s;
limit_req zone=requests burst=${limits.requests} nodelay;
limit_conn_zone $binary_remote_addr zone=connections:10m;
limit_conn connections ${limits.connections};
client_max_body_size ${limits.body}m;
proxy_read_timeout ${app.timeout}s;
proxy_next_upstream_timeout ${app.timeout + CONNECT_ROOM}s;
`
}

/**
 * A line of nginx's map that takes the query string away where it has one of these parameters, or one whose name is
 * percent-encoded and could be any.
 */
function redacting(names: readonly string[]): string {
  const name = [...names, '[^=&]*%[^=&]*'].join('|')
  return `"~*^(?<page>[^?]*)\\?(.*[&;?])?(${name})(=|&|;|$)" "$page?[redacted]";`
}

export function parseUpstream(conf: string): string[] {
  return [...conf.matchAll(/^\s*server (\S+):5000 resolve /gm)].map((match) => match[1] as string)
}
