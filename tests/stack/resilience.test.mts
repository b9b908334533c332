/** Containers that are killed one after the other, stopped by hand, or scaled cost no client an error. One fault alone: survival. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { DENSE } from '../lib/load.mts'
import { testLong } from '../lib/long.mts'
import { deployment } from '../lib/shared.mts'
import { asPostgres } from '../lib/sql.mts'
import { until } from '../lib/until.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

testLong(
  'two replicas, killed one after the other, cost no request, though each answers 404 while it warms up',
  async () => {
    site.configure({ app: { environment: { WARMUP_SECONDS: '2' } } })
    await site.must('04-stack')
    const names = await site.containers('app')
    await site.unnoticed(async () => {
      for (const name of names) {
        await kill(name)
        await served(name)
      }
    }, DENSE)
  },
)

/** The replica that one test stops and the next one leaves alone. */
let stopped = ''

test('a stopped replica finishes the requests that it holds, and no other request is lost', async () => {
  const [replica = ''] = await site.containers('app')
  stopped = replica
  for (const word of ['aa', 'bb', 'cc', 'dd']) await site.get(`/palindrom/${word}`)
  const lock = asPostgres(site, 'BEGIN; LOCK TABLE palindromes; SELECT pg_sleep(600)').catch(() => {})
  await until('the table is locked', async () => {
    const locks =
      "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'palindromes'::regclass"
    return (await asPostgres(site, locks)) === '1'
  })
  const held = ['abba', 'deed', 'noon', 'peep'].map((word) => site.get(`/palindrom/${word}`))
  await until('both replicas hold a request', async () => (await waiting()) === 4)
  await site.unnoticed(async () => {
    const stopping = docker`docker stop ${replica}`
    await until('it has heard of it', async () =>
      /told to stop/.test((await docker`docker logs ${replica}`).stdall),
    )
    await asPostgres(site, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    await Promise.all([stopping, lock])
  })
  for (const { status } of await Promise.all(held)) assert.equal(status, 200)
  // It answered them itself: had it dropped them, the load balancer would have asked the other replica.
  assert.match(
    (await docker`docker logs ${replica}`).stdall,
    /told to stop[\s\S]* drained[\s\S]*GET \/palindrom\/\w+ 200[\s\S]*said Ready: stops it[\s\S]* stopped/,
  )
})

test('a replica that was stopped by hand stays stopped and costs no request, also when Redis and database crash', async () => {
  const before = await inspect(stopped, '{{.State.Status}} {{.State.FinishedAt}}')
  assert.match(before, /^exited/)
  await site.unnoticed(async () => {
    await kill(`${site.project}-redis-1`)
    await kill(`${site.project}-db-1`)
    await until('Redis is back', async () => (await site.get('/redis-hits')).status === 200)
    await until('the database is back', async () => (await site.get('/palindrom/level')).status === 200)
  })
  assert.match(await asPostgres(site, 'SELECT text FROM palindromes'), /level/)
  assert.equal(await inspect(stopped, '{{.State.Status}} {{.State.FinishedAt}}'), before)
})

testLong('04-stack starts a third replica and removes it again, and no request is lost', async () => {
  for (const replicas of [3, 2]) {
    site.configure({ app: { replicas } })
    await site.unnoticed(() => site.must('04-stack'))
    const names = await site.containers('app')
    assert.equal(names.length, replicas)
    for (const name of names) await served(name)
  }
})

test('Compose by hand without a release touches nothing and says what to type; ps and logs work', async () => {
  const before = await site.ids()
  await site.get('/')
  const refused = await byHand('up', '-d')
  assert.notEqual(refused.exitCode, 0)
  assert.match(refused.stdall, /type RELEASE=NAME before docker/)
  assert.deepEqual(await site.ids(), before)
  assert.match((await byHand('ps')).stdall, /-app-\d+ [\s\S]*-lb-1 /)
  assert.match((await byHand('logs', 'lb')).stdall, /"uri":/)
  assert.equal((await byHand('restart', 'redis')).exitCode, 0)
})

test('after docker compose down and up the site answers, and no request goes to an old address', async () => {
  const [release = ''] = await site.releases()
  const network = `${site.project}_frontend`
  const subnet = (
    await docker`docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' ${network}`
  ).stdout.trim()
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
  const old = await Promise.all((await site.containers('app')).map((name) => inspect(name, format)))
  assert.equal((await byHand('down')).exitCode, 0)
  // Somebody else has the addresses by now.
  await docker`docker network create --subnet ${subnet} ${site.project}-stranger`
  try {
    await docker({ env: { ...process.env, RELEASE: release } })`${BY_HAND(site)} up -d`
    for (const name of await site.containers('app'))
      await until(`${name} is ready`, async () => / ready$/m.test((await docker`docker logs ${name}`).stdall))
    await until('the site answers', async () => (await site.get('/')).status === 200)
    for (let number = 0; number < 20; number++) assert.equal((await site.get('/')).status, 200)
    const asked = (await site.logged('lb')).join('\n').match(/"upstream":"[^"]+"/g) ?? []
    assert.ok(asked.length > 20)
    for (const address of old) assert.ok(!asked.some((line) => line.includes(`${address}:`)), address)
    // Compose by hand has started other replicas than 04-stack would: they are replaced.
    site.configure({ app: { environment: { WARMUP_SECONDS: '0' } } })
    await site.unnoticed(() => site.must('04-stack'))
    assert.equal((await site.containers('app')).length, 2)
  } finally {
    await docker`docker network rm ${site.project}-stranger`
  }
})

/** Docker Compose as an operator types it on the server. */
const BY_HAND = ({ folder }: Deployment) =>
  `docker compose --env-file ${folder}/compose/stack.env -f ${folder}/compose/stack.yaml`.split(' ')
const byHand = (...words: string[]) => docker({ nothrow: true })`${BY_HAND(site)} ${words}`

/** Kills a container's process behind Docker's back, so that Docker has to see to it; returns when it runs again. */
async function kill(container: string): Promise<void> {
  const [pid, before] = (await inspect(container, '{{.State.Pid}} {{.RestartCount}}')).split(' ')
  assert.ok(Number(pid) > 1)
  process.kill(Number(pid), 'SIGKILL')
  await until(`${container} is restarted`, async () => {
    const [restarts, running] = (await inspect(container, '{{.RestartCount}} {{.State.Running}}')).split(' ')
    return Number(restarts) > Number(before) && running === 'true'
  })
}

/** Waits until a replica gets requests from the load balancer and answers them. */
async function served(replica: string): Promise<void> {
  const mark = `/palindrom/mark${Date.now()}`
  const since = new Date().toISOString()
  await until(`${replica} answers requests`, async () => {
    await site.get(mark)
    return new RegExp(`${mark} 200`).test((await docker`docker logs --since=${since} ${replica}`).stdall)
  })
}

async function inspect(container: string, format: string): Promise<string> {
  return (await docker`docker inspect -f ${format} ${container}`).stdout.trim()
}

/** How many sessions wait for a lock. */
async function waiting(): Promise<number> {
  return Number(
    await asPostgres(site, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"),
  )
}
