/** Replicas: the containers that run the application, and the handshake that each of them is asked for itself. */
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { move } from './lock.mts'
import { bash, join, type Script } from './shell.mts'
import { composeFor } from './stack.mts'
import { waitUntil } from './wait.mts'

export interface Replica {
  id: string
  /** Container name: prusa-app-3. */
  name: string
  release: string
  /** Digest of the service's definition when the container was made. */
  config: string
  /** Address on the network that it shares with the load balancer; empty when it does not run. */
  address: string
  running: boolean
  /** Milliseconds since it was started, by the server's clock. */
  age: number
  restarts: number
  exitCode: number
}

/** What a replica answered; status 0: nothing. */
export interface Answer {
  status: number
  body: string
}

/** Every container of the application, whatever its state, by number. */
export async function replicas(host: Host, stack: StackConfig): Promise<Replica[]> {
  return parse(stack, await host.run('Looking at the replicas', join([found(stack), bash`found | inspect`])))
}

// A replica may be removed between being found and being inspected. The environment, which holds the database's
// password, stays on the server.
const found = (stack: StackConfig): Script => bash`
inspect() { { xargs -r docker inspect 2>/dev/null || true; } | jq "map(del(.Config.Env) | .Now = $(date +%s%3N))"; }
found() {
  docker ps -aq --no-trunc --filter label=com.docker.compose.project=${stack.project} \
    --filter label=com.docker.compose.service=app --filter label=com.docker.compose.oneoff=False
}`

function parse(stack: StackConfig, output: string): Replica[] {
  const containers = output.trim() ? (JSON.parse(output) as Inspected[]) : []
  return containers.map((container) => replicaOf(stack, container)).sort((a, b) => numberOf(a) - numberOf(b))
}

interface Inspected {
  Id: string
  Name: string
  Now: number
  RestartCount: number
  State: { Running: boolean; StartedAt: string; ExitCode: number }
  Config: { Image: string; Labels: Record<string, string> }
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> }
}

function replicaOf(stack: StackConfig, container: Inspected): Replica {
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    release: container.Config.Image.split(':').at(-1) as string,
    config: container.Config.Labels['prusa.config'] ?? '',
    address: container.NetworkSettings.Networks[`${stack.project}_frontend`]?.IPAddress ?? '',
    running: container.State.Running,
    age: container.Now - Date.parse(container.State.StartedAt),
    restarts: container.RestartCount,
    exitCode: container.State.ExitCode,
  }
}

const numberOf = (replica: Replica) => Number(replica.name.split('-').at(-1))

/**
 * Digest of the service as it would be made now for this release, its variables and secrets included. Compose has one
 * of its own, `config --hash`, but that leaves out what env_file holds (2.26).
 */
export async function wantedConfig(host: Host, stack: StackConfig, release: string): Promise<string> {
  const digest = bash`CONFIG= compose config app | sha256sum | cut -c1-16`
  return (
    await host.run('Reading the service’s definition', join([composeFor(stack, release), digest]))
  ).trim()
}

/** Starts more replicas of a release beside those that are there; returns the new ones. */
export async function startReplicas(
  host: Host,
  stack: StackConfig,
  { release, config }: { release: string; config: string },
  count: number,
): Promise<Replica[]> {
  const output = await host.run(
    `Starting release ${release}`,
    join([
      // Starts and removals wait for each other: Compose would start a replica again that was stopped and is not
      // removed yet.
      move(stack),
      composeFor(stack, release),
      found(stack),
      bash`
before=$(found)
export CONFIG=${config}
compose up -d --no-deps --no-recreate --no-build --scale app=$(($(wc -w <<<"$before") + ${count})) app >&2
for id in $(found); do [[ $before == *$id* ]] || echo "$id"; done | inspect`,
    ]),
    { deadline: 120 },
  )
  return parse(stack, output)
}

/** Waits until each answers /status with 200 and OK; gives up on one that keeps crashing. */
export async function untilReady(host: Host, stack: StackConfig, fresh: Replica[]): Promise<void> {
  await waitUntil(`${namesOf(fresh)} ready`, stack.rollout.ready_timeout, async () => {
    const answers = await ask(host, fresh, '/status')
    const waiting = fresh.filter((_, index) => !says(answers[index], 'OK'))
    if (waiting.length === 0) return
    if (answers.some(({ status }) => status === 0)) await refuseCrashed(host, stack, fresh)
    return `${namesOf(waiting)} answers ${answers.map(shown).join(', ')}`
  })
}

/** Asks old replicas to prepare. What they answer is not judged: whether they may be stopped, they say at /ready-for-deploy. */
export async function askToPrepare(host: Host, old: Replica[]): Promise<void> {
  await ask(host, old, '/prepare-for-deploy')
}

/** Waits until each says that it may be stopped: 200 and Ready. A replica that does not run needs no waiting. */
export async function untilDrained(host: Host, stack: StackConfig, old: Replica[]): Promise<void> {
  let asked = old
  await waitUntil(`${namesOf(old)} drained`, stack.rollout.drain_timeout, async () => {
    const answers = await ask(host, asked, '/ready-for-deploy')
    const waiting = asked.filter((_, index) => !says(answers[index], 'Ready'))
    const silent = asked.filter((_, index) => answers[index]?.status === 0)
    if (silent.length > 0) {
      // One that crashed and was restarted has another address and has forgotten that it was asked.
      const running = await refreshed(host, stack, waiting)
      await askToPrepare(
        host,
        running.filter(({ id }) => silent.some((one) => one.id === id)),
      )
      asked = running
    } else asked = waiting
    return asked.length > 0 ? answers.map(shown).join(', ') : undefined
  })
}

/** Those of the replicas that run, as they are now. */
async function refreshed(host: Host, stack: StackConfig, list: Replica[]): Promise<Replica[]> {
  const ids = new Set(list.map(({ id }) => id))
  return (await replicas(host, stack)).filter(({ id, running }) => running && ids.has(id))
}

/** Stops by SIGTERM, kills after the configured time, removes. */
export async function removeReplicas(host: Host, stack: StackConfig, gone: Replica[]): Promise<void> {
  if (gone.length === 0) return
  const ids = gone.map(({ id }) => id)
  await host.run(
    `Stopping ${namesOf(gone)}`,
    join([
      move(stack),
      bash`docker stop --time ${stack.rollout.stop_timeout} ${ids} >/dev/null; docker rm ${ids} >/dev/null`,
    ]),
    { deadline: stack.rollout.stop_timeout + 60 },
  )
}

export function namesOf(list: { name: string }[]): string {
  return list.map(({ name }) => name).join(', ')
}

/** Asks the replicas themselves, at once, never through the load balancer; an answer each, in order. */
async function ask(host: Host, list: Replica[], path: string): Promise<Answer[]> {
  if (list.length === 0) return []
  const urls = list.map(({ address }) => (address ? `http://${address}:5000${path}` : 'http://0.0.0.0:1/'))
  const output = await host.run(
    `Asking ${namesOf(list)} for ${path}`,
    bash`
index=0
for url in ${urls}; do
  { body=$(curl -sS --noproxy '*' --max-time 5 -w '\t%{http_code}' "$url" 2>/dev/null | tr '\n' ' ' || true); printf '%s\t%s\n' $index "$body"; } &
  index=$((index + 1))
done
wait`,
  )
  const lines = output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
  return list.map((_, index) => {
    const line = lines.find(([number]) => number === String(index)) ?? []
    return { status: Number(line.at(-1)) || 0, body: line.slice(1, -1).join(' ').trim() }
  })
}

function says(answer: Answer | undefined, word: string): boolean {
  return answer?.status === 200 && answer.body === word
}

function shown({ status, body }: Answer): string {
  return status === 0 ? 'nothing' : `${status} “${body.slice(0, 60)}”`
}

async function refuseCrashed(host: Host, stack: StackConfig, fresh: Replica[]): Promise<void> {
  const now = await replicas(host, stack)
  for (const one of fresh) {
    const { restarts = 0, running = false, address = '' } = now.find(({ id }) => id === one.id) ?? {}
    if (restarts >= MAX_CRASHES || !running) throw new OperatorError(`${one.name} crashes`)
    one.address = address
  }
}

/** A fresh replica that died so often is broken; once may be the moment when its database was not there yet. */
const MAX_CRASHES = 2

/** The last lines that a container logged, without those that our own questions made. */
export async function lastWords(host: Host, { id }: { id: string }): Promise<string> {
  const script = bash`
docker logs --tail 300 ${id} 2>&1 | { grep -vE '/(status|prepare-for-deploy|ready-for-deploy)' || true; } | tail -n 15 || true`
  return (await host.attempt(script)).stdout.trim()
}
