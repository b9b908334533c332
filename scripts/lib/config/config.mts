/** The configuration: config/stack.yaml and config/server.yaml. Variables of `.env`, beside that folder, override them. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parse as parseEnv } from 'dotenv'
import { OperatorError } from '../cli/errors.mts'
import { parsePublicKey } from './public-key.mts'
import { checkHosts, checkTls, checkWaits } from './related-keys.mts'
import { choice, flag, type Infer, integer, list, names, parseConfig, section, text } from './schema.mts'

/** The folder of this checkout. */
export const ROOT = path.resolve(import.meta.dirname, '../../..')

const image = (fallback: string) => text('an image name with a tag', /^[\w./:@-]+$/, fallback)
const file = (env: string) => text('a path', /^.*$/, '', env)
const command = (env: string) => text('a command', /^[^\0]*$/, '', env)
const memory = (fallback: string, env: string) =>
  text('a size such as 256m or 1g', /^\d+[mg]$/, fallback, env)
const mirror = (env: string) => text('a URL', /^(https?:\/\/\S+)?$/, '', env)

const server = (fallback?: string, env?: string) =>
  text('`local` or what ssh takes', /^[^\s-]\S*$/, fallback, env)

export const stackSchema = section({
  host: server('local', 'DEPLOY_HOST'),
  hosts: list(server()),
  address: text('a DNS name or an address', /^[\w.:-]*$/, '', 'SITE_ADDRESS'),
  ssh_config: text('a path', /^\S*$/, '', 'SSH_CONFIG'),
  project: text('lower-case letters, digits and dashes', /^[a-z][a-z0-9-]{0,30}$/, 'prusa', 'PROJECT'),
  folder: text('an absolute path', /^(\/[\w.-]+)+$/, '/opt/prusa', 'SERVER_FOLDER'),
  domain: text(
    'a DNS name',
    /^(?=.{0,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+)?$/i,
    '',
    'DOMAIN',
  ),
  tls: choice(['self-signed', 'letsencrypt', 'files'], 'self-signed', 'TLS'),
  letsencrypt: section({
    email: text('an e-mail address', /^([^\s@]+@[^\s@]+)?$/, '', 'LETSENCRYPT_EMAIL'),
    directory: text(
      'an https URL',
      /^https:\/\/\S+$/,
      'https://acme-v02.api.letsencrypt.org/directory',
      'LETSENCRYPT_DIRECTORY',
    ),
    ca: file('LETSENCRYPT_CA'),
  }),
  tls_files: section({ certificate: file('TLS_CERTIFICATE'), key: file('TLS_KEY') }),
  ports: section({
    http: integer(1, 65535, 80, 'HTTP_PORT'),
    https: integer(1, 65535, 443, 'HTTPS_PORT'),
    db: integer(1, 65535, 5432, 'DB_PORT'),
  }),
  swarm: section({
    encrypted: choice(['auto', 'yes', 'no'], 'auto', 'SWARM_ENCRYPTED'),
    registry: text(
      'a registry, as images begin with it: registry.example.org/team',
      /^([a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][a-z0-9._-]*)*)?$/,
      '',
      'SWARM_REGISTRY',
    ),
  }),
  app: section({
    source: text('a folder', /./, 'app', 'APP_SOURCE'),
    replicas: integer(1, 16, 2, 'REPLICAS'),
    memory: memory('256m', 'APP_MEMORY'),
    timeout: integer(1, 3600, 60, 'APP_TIMEOUT'),
    environment: names(/^[A-Za-z_]\w*$/),
  }),
  images: choice(['auto', 'registry', 'debian'], 'auto', 'IMAGES'),
  base_images: section({
    postgres: image('postgres:17'),
    redis: image('redis:8'),
    nginx: image('nginx:1.30'),
    haproxy: image('haproxy:3.2'),
    python: image('python:3.13-slim'),
    certbot: image('certbot/certbot:v5.7.0'),
  }),
  debian: section({ mirror: mirror('DEBIAN_MIRROR'), security_mirror: mirror('DEBIAN_SECURITY_MIRROR') }),
  rollout: section({
    order: choice(['start-first', 'stop-first'], 'start-first', 'ROLLOUT_ORDER'),
    surge: text('a whole number from 1 to 16, or all', /^([1-9]|1[0-6]|all)$/, '1', 'ROLLOUT_SURGE'),
    ready_timeout: integer(1, 3600, 120, 'READY_TIMEOUT'),
    drain_timeout: integer(1, 3600, 60, 'DRAIN_TIMEOUT'),
    on_drain_timeout: choice(['stop', 'abort'], 'stop', 'ON_DRAIN_TIMEOUT'),
    balancer_timeout: integer(1, 86_400, 60, 'BALANCER_TIMEOUT'),
    stop_timeout: integer(1, 600, 20, 'STOP_TIMEOUT'),
    abort_on_errors: flag(true, 'ABORT_ON_ERRORS'),
    canary: section({
      share: integer(1, 100, 5, 'CANARY_SHARE'),
      requests: integer(1, 100_000, 20, 'CANARY_REQUESTS'),
      seconds: integer(0, 3600, 1, 'CANARY_SECONDS'),
    }),
    keep_releases: integer(2, 100, 5, 'KEEP_RELEASES'),
    backup: choice(['auto', 'never'], 'auto', 'ROLLOUT_BACKUP'),
  }),
  database: section({
    memory: memory('1g', 'DB_MEMORY'),
    lock_timeout: integer(1, 600, 5, 'LOCK_TIMEOUT'),
    developer_idle_timeout: integer(1, 86_400, 300, 'DEVELOPER_IDLE_TIMEOUT'),
  }),
  backup: section({
    at: text('a time of day such as 03:00', /^(([01]\d|2[0-3]):[0-5]\d)?$/, '03:00', 'BACKUP_AT'),
    keep: section({
      daily: integer(1, 1000, 7, 'KEEP_DAILY'),
      weekly: integer(0, 1000, 4, 'KEEP_WEEKLY'),
    }),
    key: text(
      'a public key: age1…, ssh-ed25519 … or ssh-rsa …',
      /^(age1[a-z0-9]{58}|ssh-(ed25519|rsa) AAAA[A-Za-z0-9+/]+={0,2}( .*)?)?$/,
      '',
      'BACKUP_KEY',
    ),
  }),
  limits: section({
    requests: integer(1, 100_000, 1000, 'LIMIT_REQUESTS'),
    connections: integer(1, 65_535, 500, 'LIMIT_CONNECTIONS'),
    body: integer(1, 10_000, 10, 'LIMIT_BODY'),
  }),
  log: section({
    redact: list(text('a name of letters, digits, _ and -', /^[\w-]+$/), [
      'password',
      'token',
      'secret',
      'key',
    ]),
  }),
  hooks: section({
    pre_rollout: command('PRE_ROLLOUT'),
    post_rollout: command('POST_ROLLOUT'),
    went_back: command('WENT_BACK'),
  }),
  probe: section({
    path: text('a path that begins with /', /^\/\S*$/, '/'),
    rate: integer(1, 1000, 20, 'PROBE_RATE'),
    timeout: integer(1, 300, 10, 'PROBE_TIMEOUT'),
  }),
})

// Debian's rule for names (NAME_REGEX of adduser), and at most 32 characters: utmp has room for no more.
const userName = text('a user name that Linux takes: a-z, digits, _ and -', /^[a-z_][a-z0-9_-]{0,31}$/)
const publicKey = {
  ...text('a public key as ssh-keygen prints it: TYPE BASE64 COMMENT', /./),
  parse: parsePublicKey,
}

export const serverSchema = section({
  users: list(section({ name: userName, sudo: flag(false), keys: list(publicKey) })),
  packages: list(text('a package name', /^[a-z0-9][a-z0-9+.-]+$/)),
  sshd: section({ harden: flag(false) }),
})

export type StackConfig = Infer<typeof stackSchema>
export type ServerConfig = Infer<typeof serverSchema>
export type User = ServerConfig['users'][number]
export interface Config {
  /** The folder of both files. */
  folder: string
  stack: StackConfig
  server: ServerConfig
}

/**
 * Reads both files and the variables that override them. Connects to nothing.
 * @param folder the folder of stack.yaml and server.yaml
 * @throws OperatorError when a file is missing or holds a mistake
 */
export function loadConfig(folder: string): Config {
  const variables = { ...readEnv(path.join(path.dirname(folder), '.env')), ...process.env }
  const read = (name: string) => {
    const file = path.join(folder, name)
    if (!existsSync(file)) throw new OperatorError(`${file} is missing`, 'Restore it: git checkout config')
    return [readFileSync(file, 'utf8'), path.relative(process.cwd(), file)] as const
  }
  const [yaml, file] = read('stack.yaml')
  const stack = parseConfig(stackSchema, yaml, file, variables)
  checkHosts(stack, file)
  if (stack.hosts.length === 1) stack.host = stack.hosts[0] as string
  checkTls(stack, file)
  checkWaits(stack, file)
  const server = parseConfig(serverSchema, ...read('server.yaml'), variables)
  return { folder, stack, server }
}

function readEnv(file: string): Record<string, string> {
  return existsSync(file) ? parseEnv(readFileSync(file)) : {}
}

/** Whether the deployment has several hosts: then they are a Docker Swarm. */
export const isSwarm = ({ hosts }: Pick<StackConfig, 'hosts'>) => hosts.length > 1

/** The folder of the application on this machine. */
export function sourceFolder(stack: StackConfig): string {
  return path.resolve(ROOT, stack.app.source)
}
