/** What can be wrong with a deployment, and the lines of verify that say so. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { share } from '../../scripts/lib/edge/balancer.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { type Deployment, docker } from './deployment.mts'
import { freePort } from './ports.mts'
import { addresses } from './reach.mts'
import { asPostgres } from './sql.mts'
import { until } from './until.mts'

const IMAGE = 'The application runs from a Docker image'
const TWO = '2 containers with the application'
const REDIS = 'A Redis container, connected to the application’s'
const RESTART = 'Containers restart by themselves unless stopped'
export const OWNER = 'A user with full access for the application'
export const READER = 'A read-only user developer'
const BALANCED = 'Traffic is balanced over the replicas'
export const HTTPS = 'Everything is available by HTTPS'
export const REDIRECT = 'HTTP is redirected to HTTPS'
const ADMIN = '/admin asks for the user developer and a password'
export const PREPARE = '/prepare-for-deploy is blocked'
export const READY = '/ready-for-deploy is blocked'
const REDEPLOY = 'Releases a new version without visible outage'
export const PUBLISHED = 'Only the load balancer is published to the network'

/** Does it, and returns how to repair it. */
type Damage = (site: Deployment) => Promise<() => PromiseLike<unknown>>
export type Break = [what: string, red: string[], damage: Damage]

/** What is broken at the same time stands together: no two of these have a line in common. */
export const BREAKS: Break[][] = [
  [['one replica is stopped by hand', [TWO, BALANCED], stopReplica]],
  [
    ['a container does not restart by itself', [RESTART], neverRestart],
    ['the developer is granted INSERT on a table', [READER], granted('INSERT ON palindromes')],
    ['/admin is open', [ADMIN], nginx('"Admin"', 'off')],
    ['HTTP is not redirected', [REDIRECT], nginx(/return 301 .*/, 'return 200 "hello";')],
  ],
  [
    ['Redis is stopped', [REDIS], stopRedis],
    ['the developer may make temporary tables', [READER], granted('TEMPORARY ON DATABASE prusa')],
    ['the last rollout lost requests', [REDEPLOY], noteLoss],
    ['/prepare-for-deploy is let through', [PREPARE], nginx('^/(prepare|ready)-', '^/(ready)-')],
    ['the redirect leads to HTTP', [REDIRECT], nginx('return 301 https:', 'return 301 http:')],
  ],
  [
    ['the load balancer knows one replica only', [BALANCED], hideReplica],
    ['the developer may make tables', [READER], granted('CREATE ON SCHEMA public')],
    ['another container is published to the network', [PUBLISHED], publish],
    ['/ready-for-deploy is let through', [READY], nginx('^/(prepare|ready)-', '^/(prepare)-')],
  ],
  [
    ['the developer may not read a table', [READER], revoked('SELECT ON palindromes')],
    [
      'a blocked page answers 404 but its request reaches a replica',
      [READY],
      nginx('^/(prepare|ready)-for-deploy(?![\\w-])', '^/(prepare-for-deploy|ready-for-deploy$)'),
    ],
  ],
  [
    ['the database belongs to another role', [OWNER], changeOwner],
    [
      'the application does not answer OK',
      [IMAGE],
      nginx('location / {', 'location = /status { return 200 "Not ready"; }\n    location / {'),
    ],
  ],
  [['the certificate names another host', [IMAGE, BALANCED, HTTPS, PREPARE, READY], replaceCertificate]],
]

async function stopReplica(site: Deployment) {
  const [replica] = await site.containers('app')
  await docker`docker stop ${replica}`
  return async () => {
    await docker`docker start ${replica}`
    await until(`${replica} answers`, async () => (await balanced(site)) === 2)
  }
}

async function neverRestart({ project }: Deployment) {
  await docker`docker update --restart=no ${project}-redis-1`
  return () => docker`docker update --restart=unless-stopped ${project}-redis-1`
}

async function stopRedis({ project }: Deployment) {
  await docker`docker stop ${project}-redis-1`
  return () => docker`docker start ${project}-redis-1`
}

function granted(right: string): Damage {
  return async (site) => {
    await asPostgres(site, `GRANT ${right} TO developer`)
    return () => asPostgres(site, `REVOKE ${right} FROM developer`)
  }
}

function revoked(right: string): Damage {
  return async (site) => {
    await asPostgres(site, `REVOKE ${right} FROM developer`)
    return () => asPostgres(site, `GRANT ${right} TO developer`)
  }
}

async function changeOwner(site: Deployment) {
  await asPostgres(site, 'ALTER DATABASE prusa OWNER TO postgres')
  return () => asPostgres(site, 'ALTER DATABASE prusa OWNER TO app')
}

async function noteLoss(site: Deployment) {
  const history = path.join(site.folder, 'history.jsonl')
  const before = readFileSync(history, 'utf8')
  const entry = { when: '2026-01-01T00:00:00Z', from: 'one', to: 'two', result: 'released', failed: 3 }
  appendFileSync(history, `${JSON.stringify(entry)}\n`)
  return async () => writeFileSync(history, before)
}

async function hideReplica(site: Deployment) {
  const [, second = ''] = await site.containers('app')
  const host = new Host('local')
  const stack = { ...defaults(stackSchema), folder: site.folder }
  const address = [(await addresses(second))[`${site.project}_frontend`] ?? '']
  await share(host, stack, address, 0)
  return () => share(host, stack, address, 100)
}

async function publish({ project }: Deployment) {
  const labels = [`project=${project}`, 'service=other', 'oneoff=False']
  const labelled = labels.map((label) => `--label=com.docker.compose.${label}`)
  const image = (await docker`docker inspect -f '{{.Config.Image}}' ${project}-redis-1`).stdout.trim()
  const port = `${await freePort()}:6379`
  const made = await docker`docker run -d --restart=unless-stopped ${labelled} -p ${port} ${image}`
  return () => docker`docker rm -fv ${made.stdout.trim()}`
}

async function replaceCertificate(site: Deployment) {
  const at = (name: string) => path.join(site.folder, 'nginx/tls', name)
  const files = [at('certificate.pem'), at('key.pem')] as const
  const before = files.map((file) => readFileSync(file, 'utf8'))
  const name = ['-subj', '/CN=other.example', '-addext', 'subjectAltName=DNS:other.example']
  await docker`openssl req -x509 -newkey rsa:2048 -nodes -days 90 ${name} -keyout ${files[1]} -out ${files[0]}`
  await reload(site)
  return async () => {
    for (const [index, file] of files.entries()) writeFileSync(file, before[index] as string)
    await reload(site)
  }
}

/** Edits the configuration that nginx has, and lets it load that. */
function nginx(from: string | RegExp, to: string): Damage {
  return async (site) => {
    const file = path.join(site.folder, 'nginx/live/nginx.conf')
    const before = readFileSync(file, 'utf8')
    assert.notEqual(before.replace(from, to), before)
    writeFileSync(file, before.replace(from, to))
    await reload(site)
    return async () => {
      writeFileSync(file, before)
      await reload(site)
    }
  }
}

/** Waits until none of the earlier workers is left. */
async function reload({ project }: Deployment): Promise<void> {
  const master = (await docker`docker inspect -f '{{.State.Pid}}' ${project}-lb-1`).stdout.trim()
  const workers = () => readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')
  const before = new Set(workers())
  process.kill(Number(master), 'SIGHUP')
  await until('new workers only', () => workers().every((pid) => pid && !before.has(pid)))
}

/** How many replicas answer requests now. */
async function balanced(site: Deployment): Promise<number> {
  const marks = `/palindrom/mark${Date.now()}`
  for (let number = 0; number < 8; number++) await site.get(marks)
  const logs = await Promise.all((await site.containers('app')).map((name) => docker`docker logs ${name}`))
  return logs.filter(({ stdall }) => stdall.includes(marks)).length
}
