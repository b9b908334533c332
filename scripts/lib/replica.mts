/** Replicas: the containers that run the application. What they are asked is in handshake.mts. */
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { move } from './lock.mts'
import { bash, join, type Script } from './shell.mts'
import { composeFor } from './stack.mts'

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

/** The last lines that a container logged, without those that our own questions made. */
export async function lastWords(host: Host, { id }: { id: string }): Promise<string> {
  const script = bash`
docker logs --tail 300 ${id} 2>&1 | { grep -vE '/(status|prepare-for-deploy|ready-for-deploy)' || true; } | tail -n 15 || true`
  return (await host.attempt(script)).stdout.trim()
}
