/** The load balancer: which replicas it may send requests to, changed by one validated, atomic, graceful reload. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { readFacts } from './certificate.mts'
import { ROOT, type StackConfig } from './config.mts'
import { writeScript } from './files.mts'
import type { Host } from './host.mts'
import { move } from './lock.mts'
import { BACKUP, backupConf, type Member, parseUpstream, siteConf, upstreamConf } from './nginx.mts'
import { bash, join, type Script } from './shell.mts'
import { readCertificate } from './site.mts'
import { composeFor, containerOf } from './stack.mts'

/** Seconds until a reload must have brought new workers. */
const RELOAD_DEADLINE = 30

/** Names of the replicas that requests are sent to, from the file that nginx reads. */
export async function serving(host: Host, stack: StackConfig): Promise<string[]> {
  const file = `${stack.folder}/nginx/live/upstream.conf`
  return parseUpstream(await host.run('Reading the upstream', bash`cat ${file} 2>/dev/null || true`))
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
  const candidate = await candidateFor(host, stack, replicas)
  const output = await host.run('Changing the load balancer', swapScript(stack, candidate), { deadline: 60 })
  const lines = output.split('\n')
  return { changed: lines.includes('changed'), oldWorkers: lines.filter((line) => /^\d+$/.test(line)) }
}

interface Candidate {
  /** Of its folder: digest of what is in it. */
  name: string
  files: Record<string, string>
  /** What goes into the container's memory. */
  backup: string
}

async function candidateFor(host: Host, stack: StackConfig, replicas: readonly Member[]): Promise<Candidate> {
  const files = {
    'nginx.conf': readFileSync(path.join(ROOT, 'nginx/nginx.conf'), 'utf8'),
    'site.conf': siteConf(stack, readFacts(await readCertificate(host, stack))),
    'upstream.conf': upstreamConf(replicas),
  }
  const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex')
  return { name: `config-${digest.slice(0, 12)}`, files, backup: backupConf(replicas) }
}

function swapScript(stack: StackConfig, candidate: Candidate): Script {
  const { name, backup } = candidate
  const lb = containerOf(stack, 'lb')
  return join([
    functions(stack),
    bash`
if [ "$(readlink live)" = ${name} ] && [ "$(cat loaded 2>/dev/null)" = ${name} ] && running; then
  finishing
  exit 0
fi`,
    validateScript(stack, candidate),
    bash`
ln -sfn ${name} live.next
mv -T live.next live
echo changed
if running; then
  before=$(workers)
  # By way of the container: root would follow a link that somebody in there has made.
  docker exec ${lb} sh -c ${`printf %s '${backup}' >${BACKUP}.next && mv ${BACKUP}.next ${BACKUP}.conf`}
  # Not docker kill: the engine takes any signal of its own for a stop by hand, and the container would never again be
  # restarted by itself (measured with Engine 20.10).
  kill -HUP "$master"
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

/** Writes a candidate and has nginx judge it, unless that was done already. */
function validateScript(stack: StackConfig, { name, files }: Candidate): Script {
  const contents = Object.entries(files).map(([file, content]) => ({
    path: `${stack.folder}/nginx/${name}/${file}`,
    content,
  }))
  const test = bash`nginx -t -q -c /etc/prusa/${name}/nginx.conf`
  return join([
    bash`
if [ ! -e ${name}/valid ]; then
  mkdir -p ${name}
  {`,
    writeScript(contents),
    bash`
  } >/dev/null
  if running; then docker exec ${containerOf(stack, 'lb')} ${test} >&2; else compose run --rm --no-deps -T lb ${test} >&2; fi
  touch ${name}/valid
fi`,
  ])
}

const functions = (stack: StackConfig): Script =>
  join([
    move(stack, 'nginx'),
    composeFor(stack, 'none'),
    bash`
cd ${stack.folder}/nginx
master=$(docker inspect -f '{{.State.Pid}}' ${containerOf(stack, 'lb')} 2>/dev/null) || master=0
running() { [ "$master" != 0 ]; }`,
    WORKERS,
  ])

// The workers are the master's children; one that a reload has told to finish says so in its title. Read from the
// kernel (proc(5)), since a bare server need not have ps.
const WORKERS = bash`
workers() { cat "/proc/$master/task/$master/children"; }
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
