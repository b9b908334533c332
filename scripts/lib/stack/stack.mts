/** The Compose project on the server: its files, its variables, and the command that uses them. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse, parseDocument } from 'yaml'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { isSwarm, ROOT, type StackConfig } from '../config/config.mts'
import { type ServerFile, writeScript } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { ownName } from '../images/base.mts'
import type { BaseImages } from '../images/images.mts'

/** Id of the user `nginx` in the images of both modes; nginx runs as this user. */
export const NGINX_USER = 101

/** Name of the container of a service that has only one, by Compose's rule. */
export function containerOf(stack: StackConfig, service: Single): string {
  return `${stack.project}-${service}-1`
}

/** Defines `compose …`: Docker Compose for this project and a release of the application. */
export function composeFor(stack: StackConfig, release: string): Script {
  const folder = `${stack.folder}/compose`
  return bash`compose() { RELEASE=${release} docker compose --env-file ${folder}/stack.env -f ${folder}/stack.yaml "$@"; }`
}

/** Folders of the services' files, in the deployment's folder. */
export const FOLDERS = ['compose', 'postgres', 'redis', 'dbport', 'sql', 'nginx', 'haproxy']

/** Writes the project's files to the server; returns the paths that changed. */
export async function writeStack(host: Host, stack: StackConfig, images: BaseImages): Promise<string[]> {
  const folders = FOLDERS.map((name) => `${stack.folder}/${name}`)
  // The containers' users must read them, also if somebody made a folder under a strict umask.
  const make = bash`
install -d -m 700 ${stack.folder}
install -d -m 755 ${folders}
install -d -m 700 -o ${NGINX_USER} -g ${NGINX_USER} ${stack.folder}/spool
find ${folders} -type d ! -perm 755 ! -path ${`${stack.folder}/haproxy/run`} -exec chmod 755 {} +`
  const keep = remote('keep-before', { folder: stack.folder, project: stack.project })
  return await host.lines(
    'Writing the stack’s files',
    join([make, keep, writeScript(stackFiles(stack, images))]),
  )
}

/** The content of compose/stack.yaml. With several hosts, it uses the networks of compose/swarm.yaml. */
export function stackFile(stack: StackConfig): string {
  const file = own('compose/stack.yaml')
  if (!isSwarm(stack)) return file
  const document = parseDocument(file)
  const { networks } = parse(own('compose/swarm.yaml'), { merge: true })
  for (const [name, network] of Object.entries(networks)) document.setIn(['networks', name], network)
  return document.toString({ lineWidth: 0 })
}

export const own = (name: string) => readFileSync(path.join(ROOT, name), 'utf8')

export function stackFiles(stack: StackConfig, images: BaseImages): ServerFile[] {
  const at = (name: string) => `${stack.folder}/${name}`
  const statements = readdirSync(path.join(ROOT, 'sql')).filter((name) => name.endsWith('.sql'))
  return [
    { path: at('compose/stack.yaml'), content: stackFile(stack) },
    { path: at('compose/stack.env'), content: envFile(stackVariables(stack, images)) },
    { path: at('compose/app.env'), content: envFile(stack.app.environment), mode: '600' },
    { path: at('postgres/pg_hba.conf'), content: own('sql/pg_hba.conf') },
    { path: at('postgres/postgres.sh'), content: own('compose/postgres.sh') },
    { path: at('redis/redis.sh'), content: own('compose/redis.sh') },
    { path: at('dbport/dbport.py'), content: own('compose/dbport.py') },
    ...statements.map((name) => ({ path: at(`sql/${name}`), content: own(`sql/${name}`) })),
  ]
}

/** The names of the networks of the stack's file, as another file of Compose has them, which makes none itself. */
export function networkNames(stack: StackConfig): Record<string, { name: string }> {
  const { networks } = parse(stackFile(stack), { merge: true }) as {
    networks: Record<string, { name?: string }>
  }
  return Object.fromEntries(
    Object.entries(networks).map(([key, network]) => [key, { name: network?.name ?? `\${PROJECT}_${key}` }]),
  )
}

function stackVariables(stack: StackConfig, images: BaseImages): Record<string, string | number> {
  return {
    ...appVariables(stack),
    POSTGRES_IMAGE: ownName(stack, 'postgres', images.postgres),
    DB_DATA: dataFolder(images.postgres),
    DB_MEMORY: stack.database.memory,
    REDIS_IMAGE: ownName(stack, 'redis', images.redis),
    NGINX_IMAGE: ownName(stack, 'nginx', images.nginx),
    HAPROXY_IMAGE: ownName(stack, 'haproxy', images.haproxy),
    PYTHON_IMAGE: ownName(stack, 'python', images.python),
    HTTP_PORT: stack.ports.http,
    HTTPS_PORT: stack.ports.https,
    DB_PORT: stack.ports.db,
    REPLICAS: stack.app.replicas,
  }
}

/** The variables of the service `app`, without its release. */
export function appVariables(stack: StackConfig): Record<string, string | number> {
  return {
    PROJECT: stack.project,
    FOLDER: stack.folder,
    APP_MEMORY: stack.app.memory,
    DRAIN_TIMEOUT: stack.rollout.drain_timeout,
    STOP_GRACE: stack.rollout.drain_timeout + stack.rollout.stop_timeout,
  }
}

/** Where the official image of this name has its volume: version 18 has moved it. */
export function dataFolder(image: string): string {
  const major = Number(/:(\d+)[^:/]*$/.exec(image)?.[1] ?? 0)
  return major >= 18 ? '/var/lib/postgresql' : '/var/lib/postgresql/data'
}

/** The text of an env file: values in double quotes, special characters escaped as compose-go's dotenv expects. */
export function envFile(variables: Record<string, string | number>): string {
  const escaped = (value: string | number) =>
    String(value)
      .replaceAll(/[\\"$]/g, '\\$&')
      .replaceAll('\n', '\\n')
  return Object.entries(variables)
    .map(([name, value]) => `${name}="${escaped(value)}"\n`)
    .join('')
}

/** The name of Swarm's service of the replicas, where there are several hosts. */
export const serviceOf = ({ project }: StackConfig) => `${project}_app`

export type Single = 'db' | 'dbport' | 'redis' | 'balancer' | 'lb'

/**
 * The engine's state of a service's container: `running`, `paused`, `exited`, …
 * @throws OperatorError when the container does not exist
 */
export async function stateOf(host: Host, stack: StackConfig, service: Single): Promise<string> {
  const container = containerOf(stack, service)
  const { stdout } = await host.attempt(
    bash`docker inspect -f '{{.State.Status}}' ${container} 2>/dev/null || true`,
  )
  if (stdout.trim()) return stdout.trim()
  throw new OperatorError(
    `There is no container ${container} on ${host.name}`,
    'npm run deploy, or npm run status to see what is there.',
    NOTHING_CHANGED,
  )
}

/** @throws OperatorError unless the service runs */
export async function requireRunning(host: Host, stack: StackConfig, service: Single): Promise<void> {
  const state = await stateOf(host, stack, service)
  if (state === 'running') return
  throw new OperatorError(
    `${containerOf(stack, service)} does not run on ${host.name}: it is ${state}`,
    `npm run restart -- ${service}, then the same command again.`,
    NOTHING_CHANGED,
  )
}

/** Commands in the container that succeed once the service answers. */
const ANSWERS: Record<Single, string[]> = {
  // As the role that replicas use: the superuser cannot log in by TCP, and each attempt would be a line in the log.
  db: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'app', '-d', 'prusa'],
  dbport: ['python', '-c', 'import socket; socket.create_connection(("127.0.0.1", 5432), 2)'],
  redis: ['redis-cli', 'ping'],
  balancer: ['true'],
  lb: ['timeout', '5', 'bash', '-c', '</dev/tcp/127.0.0.1/8443'],
}

/** A command on the server that succeeds while the service answers. */
export const answering = (stack: StackConfig, service: Single): Script =>
  bash`timeout 10 docker exec ${containerOf(stack, service)} ${ANSWERS[service]} >/dev/null 2>&1`

/** Seconds until a started service must answer; PostgreSQL may have to recover first. */
const ANSWER_DEADLINE = 90

/**
 * Starts a service of one container unless it runs as configured, and waits until it answers.
 * @param begin the command that starts it
 * @returns whether it was started
 */
export async function up(
  host: Host,
  stack: StackConfig,
  release: string,
  service: Single,
  begin = ['compose', 'up', '-d', '--no-deps', '--no-build', service],
): Promise<boolean> {
  const container = containerOf(stack, service)
  const parameters = { service, container, begin, answers: ANSWERS[service], deadline: ANSWER_DEADLINE }
  const script = join([composeFor(stack, release), remote('up', parameters)])
  const output = await host.run(`Starting ${service}`, script, { deadline: ANSWER_DEADLINE + 60 })
  return output.trim() === 'started'
}
