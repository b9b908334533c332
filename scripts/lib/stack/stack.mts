/** The Compose project on the server: its files, its variables, and the command that they are used with. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { OperatorError } from '../cli/errors.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import { type ServerFile, writeScript } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { ownName } from '../images/base.mts'
import type { BaseImages } from '../images/images.mts'

/** Name of a service's container when there is only one: Compose's own rule. */
export function containerOf(stack: StackConfig, service: Single): string {
  return `${stack.project}-${service}-1`
}

/** `compose …` in a script: the project's docker compose for a release of the application. */
export function composeFor(stack: StackConfig, release: string): Script {
  const folder = `${stack.folder}/compose`
  return bash`compose() { RELEASE=${release} docker compose --env-file ${folder}/stack.env -f ${folder}/stack.yaml "$@"; }`
}

/** Puts the project's files on the server; returns the paths that changed. */
export async function writeStack(host: Host, stack: StackConfig, images: BaseImages): Promise<string[]> {
  const folders = ['compose', 'postgres', 'dbport', 'sql', 'nginx', 'haproxy'].map(
    (name) => `${stack.folder}/${name}`,
  )
  // The containers' users read them. One that was made under a strict umask is opened, those below it too.
  const make = bash`
install -d -m 700 ${stack.folder}
install -d -m 755 ${folders}
install -d -m 700 -o 101 -g 101 ${stack.folder}/spool # the number of the user nginx in the images of both modes
find ${folders} -type d ! -perm 755 ! -path ${`${stack.folder}/haproxy/run`} -exec chmod 755 {} +`
  const keep = remote('keep-before', { folder: stack.folder, project: stack.project })
  const output = await host.run(
    'Writing the stack’s files',
    join([make, keep, writeScript(stackFiles(stack, images))]),
  )
  return output.split('\n').filter(Boolean)
}

/** compose/stack.yaml, as it goes to the server. */
export const stackFile = () => own('compose/stack.yaml')

const own = (name: string) => readFileSync(path.join(ROOT, name), 'utf8')

/** What is run as the superuser: database.mts, rotation.mts. */
const SQL = [
  'database.sql',
  'roles.sql',
  'rights.sql',
  'bridge.sql',
  'schema.sql',
  'state.sql',
  'blockers.sql',
]

export function stackFiles(stack: StackConfig, images: BaseImages): ServerFile[] {
  const at = (name: string) => `${stack.folder}/${name}`
  return [
    { path: at('compose/stack.yaml'), content: stackFile() },
    { path: at('compose/stack.env'), content: envFile(stackVariables(stack, images)) },
    { path: at('compose/app.env'), content: envFile(stack.app.environment), mode: '600' },
    { path: at('postgres/pg_hba.conf'), content: own('sql/pg_hba.conf') },
    { path: at('postgres/postgres.sh'), content: own('compose/postgres.sh') },
    { path: at('dbport/dbport.py'), content: own('compose/dbport.py') },
    ...SQL.map((name) => ({ path: at(`sql/${name}`), content: own(`sql/${name}`) })),
  ]
}

function stackVariables(stack: StackConfig, images: BaseImages): Record<string, string | number> {
  return {
    ...appVariables(stack),
    POSTGRES_IMAGE: ownName(stack, 'postgres', images.postgres),
    DB_DATA: dataFolder(images.postgres),
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

/** Those that the service `app` names, without its release. */
export function appVariables(stack: StackConfig): Record<string, string | number> {
  return {
    PROJECT: stack.project,
    FOLDER: stack.folder,
    APP_MEMORY: stack.app.memory,
    STOP_TIMEOUT: stack.rollout.stop_timeout,
  }
}

/** Where the official image of this name has its volume: it has moved with version 18. */
export function dataFolder(image: string): string {
  const major = Number(/:(\d+)[^:/]*$/.exec(image)?.[1] ?? 0)
  return major >= 18 ? '/var/lib/postgresql' : '/var/lib/postgresql/data'
}

/** In double quotes, where a backslash takes the meaning from each character that has one (compose-go's dotenv). */
export function envFile(variables: Record<string, string | number>): string {
  const escaped = (value: string | number) =>
    String(value)
      .replaceAll(/[\\"$]/g, '\\$&')
      .replaceAll('\n', '\\n')
  return Object.entries(variables)
    .map(([name, value]) => `${name}="${escaped(value)}"\n`)
    .join('')
}

export type Single = 'db' | 'dbport' | 'redis' | 'balancer' | 'lb'

/**
 * How the engine has the service's container: `running`, `paused`, `exited`, …
 * @throws OperatorError where there is none
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
    'nothing was changed.',
  )
}

/** @throws OperatorError when the service does not run */
export async function requireRunning(host: Host, stack: StackConfig, service: Single): Promise<void> {
  const state = await stateOf(host, stack, service)
  if (state === 'running') return
  throw new OperatorError(
    `${containerOf(stack, service)} does not run on ${host.name}: it is ${state}`,
    `npm run restart -- ${service}, then the same command again.`,
    'nothing was changed.',
  )
}

/** What tells that a service answers. */
const ANSWERS: Record<Single, string[]> = {
  // As a replica would ask. The superuser is not let in by TCP, and each question would be a line in the log.
  db: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'app', '-d', 'prusa'],
  dbport: ['python', '-c', 'import socket; socket.create_connection(("127.0.0.1", 5432), 2)'],
  redis: ['redis-cli', 'ping'],
  balancer: ['true'],
  lb: ['true'],
}

/** Seconds until a started service must answer; PostgreSQL may have to recover first. */
const ANSWER_DEADLINE = 90

/**
 * Sees to it that a service of one container runs as configured and answers; returns whether it had to be started.
 * @param begin the command that has it run
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
