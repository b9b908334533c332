/** The load balancer: which replicas it may send requests to, changed by one validated, atomic, graceful reload. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Certificate, readFacts } from './certificate.mts'
import { ROOT, type StackConfig } from './config.mts'
import { writeScript } from './files.mts'
import type { Host } from './host.mts'
import { move } from './lock.mts'
import { bash, join, type Script } from './shell.mts'
import { readCertificate } from './site.mts'
import { composeFor, containerOf } from './stack.mts'

/** Seconds until a reload must have brought new workers. */
const RELOAD_DEADLINE = 10

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
 * The replicas that may be sent requests, each in two ways. By its name: so one that comes back with another address
 * is found again. By the address of now, as a backup: it is asked when no name may be,
 * - by a fresh worker, until Docker's DNS has answered it. (nginx takes over the names that the configuration before
 *   had resolved, but with surge all every name is new; on a busy machine that cost two of thousands of requests a 502.)
 * - when every replica has just failed a request and is passed over for a second, as nginx does: better one that
 *   failed once than none.
 */
export function upstreamConf(replicas: readonly Member[]): string {
  const running = replicas.filter(({ address }) => address)
  const servers = [
    ...replicas.map(({ name }) => `  server ${name}:5000 resolve max_fails=1 fail_timeout=1s;`),
    ...running.map(({ address }) => `  server ${address}:5000 backup max_fails=0;`),
  ]
  // The last address is the one that answered.
  const releases = running.map(
    ({ address, release }) => `  "~(^| )${address.replaceAll('.', '\\.')}:5000$" ${release};\n`,
  )
  return `# For the access log.
map $upstream_addr $release {
  default "";
${releases.join('')}}

# A backup is a replica's second name: each is still asked once at most.
proxy_next_upstream_tries ${replicas.length};

upstream app {
  zone app 256k;
${replicas.length > 0 ? servers.join('\n') : '  server 127.0.0.1:1 down;'}
  keepalive 32;
}
`
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

/** Names of the replicas that requests are sent to, from the file that nginx reads. */
export async function serving(host: Host, stack: StackConfig): Promise<string[]> {
  const file = `${stack.folder}/nginx/live/upstream.conf`
  return parseUpstream(await host.run('Reading the upstream', bash`cat ${file} 2>/dev/null || true`))
}

export function parseUpstream(conf: string): string[] {
  return [...conf.matchAll(/^\s*server (\S+):5000 resolve /gm)].map((match) => match[1] as string)
}

/** What a swap left behind. */
export interface Swap {
  changed: boolean
  /** Processes that may still hold a request to a replica that is out. */
  oldWorkers: string[]
}

/**
 * Lets the load balancer send requests to these replicas and to no others. The candidate is validated by nginx before
 * it takes the place of what is there; when this returns, new requests go by the new list.
 * @throws CommandError when nginx refuses the configuration; the one before stays in force
 */
export async function send(host: Host, stack: StackConfig, replicas: readonly Member[]): Promise<Swap> {
  const certificate = readFacts(await readCertificate(host, stack))
  const files = {
    'nginx.conf': readFileSync(path.join(ROOT, 'nginx/nginx.conf'), 'utf8'),
    'site.conf': siteConf(stack, certificate),
    'upstream.conf': upstreamConf(replicas),
  }
  const output = await host.run('Changing the load balancer', swapScript(stack, files), { deadline: 60 })
  const lines = output.split('\n')
  return { changed: lines.includes('changed'), oldWorkers: lines.filter((line) => /^\d+$/.test(line)) }
}

function swapScript(stack: StackConfig, files: Record<string, string>): Script {
  const name = `config-${createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12)}`
  const folder = `${stack.folder}/nginx`
  const lb = containerOf(stack, 'lb')
  const contents = Object.entries(files).map(([file, content]) => ({
    path: `${folder}/${name}/${file}`,
    content,
  }))
  return join([
    move(stack),
    composeFor(stack, 'none'),
    bash`
cd ${folder}
running() { [ "$(docker inspect -f '{{.State.Running}}' ${lb} 2>/dev/null)" = true ]; }
${workersOf(lb)}
if [ "$(readlink live)" = ${name} ] && [ "$(cat loaded 2>/dev/null)" = ${name} ] && running; then
  finishing
  exit 0
fi
mkdir -p ${name}`,
    bash`{ ${writeScript(contents)}
} >/dev/null`,
    bash`
if running; then
  docker exec ${lb} nginx -t -q -c /etc/prusa/${name}/nginx.conf >&2
else
  compose run --rm --no-deps -T lb nginx -t -q -c /etc/prusa/${name}/nginx.conf >&2
fi
ln -sfn ${name} live.next
mv -T live.next live
echo changed
if running; then
  before=$(workers)
  # Not docker kill: the engine takes any signal of its own for a stop by hand, and the container would never again be
  # restarted by itself (measured with Engine 20.10).
  kill -HUP "$(docker inspect -f '{{.State.Pid}}' ${lb})"
  deadline=$((SECONDS + ${RELOAD_DEADLINE}))
  until fresh; do
    if [ $SECONDS -ge $deadline ]; then docker logs --tail 5 ${lb} >&2; exit 1; fi
    sleep 0.02
  done
  finishing
else
  compose up -d --no-deps lb >&2
fi
echo ${name} >loaded
for old in config-*; do [ "$old" = ${name} ] || rm -rf "$old"; done`,
  ])
}

// The workers are the master's children; one that a reload has told to finish says so in its title. Read from the
// kernel (proc(5)), since a bare server need not have ps.
const workersOf = (lb: string): Script => bash`
workers() { local master; master=$(docker inspect -f '{{.State.Pid}}' ${lb}); cat /proc/$master/task/$master/children; }
finishes() { [[ $(tr '\0' ' ' <"/proc/$1/cmdline") == *'shutting down'* ]]; } 2>/dev/null
finishing() { local pid; for pid in $(workers); do if finishes "$pid"; then echo "$pid"; fi; done; }
fresh() { # whether new workers run and every earlier one is gone or finishing
  local pid new=
  for pid in $(workers); do
    if [[ " $before " != *" $pid "* ]]; then new=yes; elif ! finishes "$pid"; then return 1; fi
  done
  [ -n "$new" ]
}`

/** Those of the processes that have not finished yet. */
export async function unfinished(host: Host, workers: string[]): Promise<string[]> {
  if (workers.length === 0) return []
  const output = await host.run(
    'Looking at nginx’s old workers',
    bash`for pid in ${workers}; do grep -qs nginx "/proc/$pid/cmdline" && echo "$pid" || true; done`,
  )
  return output.split('\n').filter(Boolean)
}
