/** verify against a live deployment: every line about containers, database and load balancer is broken once and seen red. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { share } from '../../scripts/lib/edge/balancer.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { freePort } from '../lib/ports.mts'
import { addresses } from '../lib/reach.mts'
import { deployment } from '../lib/shared.mts'
import { asPostgres } from '../lib/sql.mts'
import { until } from '../lib/until.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('on a deployment that is as required no line about the site is red, and nothing is changed by looking', async () => {
  const ids = await site.ids()
  assert.deepEqual(await red(), [])
  assert.deepEqual(await site.ids(), ids)
  assert.equal(await asPostgres(site, "SELECT count(*) FROM pg_class WHERE relname LIKE 'verify%'"), '0')
})

const IMAGE = 'The application runs from a Docker image'
const TWO = '2 containers with the application'
const REDIS = 'A Redis container, connected to the application’s'
const RESTART = 'Containers restart by themselves unless stopped'
const OWNER = 'A user with full access for the application'
const READER = 'A read-only user developer'
const BALANCED = 'Traffic is balanced over the replicas'
const HTTPS = 'Everything is available by HTTPS'
const REDIRECT = 'HTTP is redirected to HTTPS'
const ADMIN = '/admin asks for the user developer and a password'
const PREPARE = '/prepare-for-deploy is blocked'
const READY = '/ready-for-deploy is blocked'
const REDEPLOY = 'Releases a new version without visible outage'
const PUBLISHED = 'Only the load balancer is published to the network'

breaks('one replica is stopped by hand', [TWO, BALANCED], async () => {
  const [replica] = await site.containers('app')
  await docker`docker stop ${replica}`
  return async () => {
    await docker`docker start ${replica}`
    await until(`${replica} answers`, async () => (await balanced()) === 2)
  }
})

breaks('a container does not restart by itself', [RESTART], async () => {
  await docker`docker update --restart=no ${site.project}-redis-1`
  return () => docker`docker update --restart=unless-stopped ${site.project}-redis-1`
})

for (const right of ['INSERT ON palindromes', 'TEMPORARY ON DATABASE prusa', 'CREATE ON SCHEMA public'])
  breaks(`the developer is granted ${right}`, [READER], async () => {
    await asPostgres(site, `GRANT ${right} TO developer`)
    return () => asPostgres(site, `REVOKE ${right} FROM developer`)
  })

breaks('the developer may not read a table', [READER], async () => {
  await asPostgres(site, 'REVOKE SELECT ON palindromes FROM developer')
  return () => asPostgres(site, 'GRANT SELECT ON palindromes TO developer')
})

breaks('the database belongs to another role', [OWNER], async () => {
  await asPostgres(site, 'ALTER DATABASE prusa OWNER TO postgres')
  return () => asPostgres(site, 'ALTER DATABASE prusa OWNER TO app')
})

breaks('Redis is stopped', [REDIS], async () => {
  await docker`docker stop ${site.project}-redis-1`
  return () => docker`docker start ${site.project}-redis-1`
})

breaks('the application does not answer OK', [IMAGE], () =>
  nginx('location / {', 'location = /status { return 200 "Not ready"; }\n    location / {'),
)
for (const page of ['prepare', 'ready'])
  breaks(`/${page}-for-deploy is let through`, [page === 'ready' ? READY : PREPARE], () =>
    nginx('^/(prepare|ready)-for-deploy', `^/(${page === 'ready' ? 'prepare' : 'ready'})-for-deploy`),
  )
breaks('a blocked page answers 404 but its request reaches a replica', [READY], () =>
  nginx('^/(prepare|ready)-for-deploy(?![\\w-])', '^/(prepare-for-deploy|ready-for-deploy$)'),
)
breaks('/admin is open', [ADMIN], () => nginx('"Admin"', 'off'))
breaks('HTTP is not redirected', [REDIRECT], () => nginx(/return 301 .*/, 'return 200 "hello";'))
breaks('the redirect leads to HTTP', [REDIRECT], () => nginx('return 301 https:', 'return 301 http:'))
breaks('the load balancer knows one replica only', [BALANCED], async () => {
  const [, second = ''] = await site.containers('app')
  const host = new Host('local')
  const stack = { ...defaults(stackSchema), folder: site.folder }
  const address = [(await addresses(second))[`${site.project}_frontend`] ?? '']
  await share(host, stack, address, 0)
  return () => share(host, stack, address, 100)
})

breaks('another container of the project is published to the network', [PUBLISHED], async () => {
  const project = `com.docker.compose.project=${site.project}`
  const image = (await docker`docker inspect -f '{{.Config.Image}}' ${site.project}-redis-1`).stdout.trim()
  const port = `${await freePort()}:6379`
  const made =
    await docker`docker run -d --restart unless-stopped --label ${project} --label com.docker.compose.service=other --label com.docker.compose.oneoff=False -p ${port} ${image}`
  return () => docker`docker rm -fv ${made.stdout.trim()}`
})

breaks('the certificate names another host', [IMAGE, BALANCED, HTTPS, PREPARE, READY], async () => {
  const folder = path.join(site.folder, 'nginx/tls')
  const [certificate, key] = ['certificate.pem', 'key.pem'].map((name) => path.join(folder, name)) as [
    string,
    string,
  ]
  const before = [readFileSync(certificate), readFileSync(key)] as const
  await docker`openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=other.example -addext subjectAltName=DNS:other.example -keyout ${key} -out ${certificate}`
  await reload()
  return async () => {
    writeFileSync(certificate, before[0])
    writeFileSync(key, before[1])
    await reload()
  }
})

breaks('the last rollout lost requests', [REDEPLOY], async () => {
  const history = path.join(site.folder, 'history.jsonl')
  const before = readFileSync(history, 'utf8')
  const entry = { when: '2026-01-01T00:00:00Z', from: 'one', to: 'two', result: 'released', failed: 3 }
  appendFileSync(history, `${JSON.stringify(entry)}\n`)
  return async () => writeFileSync(history, before)
})

test('without database or load balancer verify says so in red lines, not in a stack trace', async () => {
  for (const [service, lines] of [
    ['db', [OWNER, READER]],
    ['lb', [HTTPS, REDIRECT, PUBLISHED, PREPARE, READY]],
  ] as const) {
    await docker`docker stop ${site.project}-${service}-1`
    try {
      const ran = await site.run('verify')
      assert.equal(ran.exitCode, 1)
      assert.doesNotMatch(ran.text, /\n\s+at /)
      for (const line of lines) assert.ok(ran.stdout.includes(`✗ ${line}`), ran.text)
    } finally {
      await docker`docker start ${site.project}-${service}-1`
    }
  }
})

/** A test: breaks something, sees exactly these lines red (exit code 1), restores it, sees none red. */
function breaks(what: string, lines: string[], work: () => Promise<() => PromiseLike<unknown>>): void {
  test(`when ${what}, that is red and nothing else`, async () => {
    const restore = await work()
    try {
      assert.deepEqual(await red(), [...lines].sort())
    } finally {
      await restore()
    }
  })
}

/** Which lines about the site are red; this machine's users and packages are not the site. */
async function red(): Promise<string[]> {
  const ran = await site.run('verify', '--json')
  const verdicts = JSON.parse(ran.stdout) as {
    chapter: string
    required: string
    ok: boolean
    evidence: string
  }[]
  assert.equal(ran.exitCode, verdicts.every(({ ok }) => ok) ? 0 : 1)
  const own = verdicts.filter(({ chapter }) => chapter !== 'Prepare the server')
  assert.equal(own.length, 14)
  for (const { evidence } of own) assert.ok(evidence.length > 3)
  return own
    .filter(({ ok }) => !ok)
    .map(({ required }) => required)
    .sort()
}

/** Edits the load balancer's live configuration and lets it load that; returns how to put it back. */
async function nginx(from: string | RegExp, to: string, name = 'nginx.conf'): Promise<() => Promise<void>> {
  const file = path.join(site.folder, 'nginx/live', name)
  const before = readFileSync(file, 'utf8')
  assert.notEqual(before.replace(from, to), before)
  writeFileSync(file, before.replace(from, to))
  await reload()
  return async () => {
    writeFileSync(file, before)
    await reload()
  }
}

/** Lets nginx load its configuration, and waits until none of the workers from before is left. */
async function reload(): Promise<void> {
  const lb = `${site.project}-lb-1`
  const master = (await docker`docker inspect -f '{{.State.Pid}}' ${lb}`).stdout.trim()
  const workers = () => readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ')
  const before = new Set(workers())
  process.kill(Number(master), 'SIGHUP')
  await until('new workers only', () => workers().every((pid) => pid && !before.has(pid)))
}

/** How many replicas answer requests now. */
async function balanced(): Promise<number> {
  const marks = `/palindrom/mark${Date.now()}`
  for (let number = 0; number < 8; number++) await site.get(marks)
  const logs = await Promise.all((await site.containers('app')).map((name) => docker`docker logs ${name}`))
  return logs.filter(({ stdall }) => stdall.includes(marks)).length
}
