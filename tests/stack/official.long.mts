/** The road on official images: stand-ins with their traits, from a registry on loopback. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { copyOf } from '../lib/application.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { Registry } from '../lib/registry.mts'
import { asPostgres } from '../lib/sql.mts'
import { until } from '../lib/until.mts'

let registry: Registry
let site: Deployment
before(async () => {
  registry = await Registry.start()
  await registry.fill()
  site = await Deployment.prepare({ images: 'registry', base_images: registry.images })
  site.configure({ app: { source: copyOf(site, 'tests/apps/minimal') } })
})
after(async () => {
  await site?.remove()
  await registry?.remove()
})

test('03-db completes a database that the official image’s script left half made', async () => {
  await site.must('02-build')
  const labels = [`project=${site.project}`, 'volume=db'].map((one) => `--label=com.docker.compose.${one}`)
  await docker`docker volume create ${labels} ${site.project}_db`
  // Killed before it has made the database that it was told to: it is never told.
  const environment = ['--env=POSTGRES_HOST_AUTH_METHOD=trust', '--env=SLOW_DISK=600']
  const volume = `${site.project}_db:/var/lib/postgresql/data`
  const image = registry.image('postgres')
  const began =
    await docker`docker run -d --user postgres ${environment} --volume ${volume} ${image} postgres`
  const container = began.stdout.trim()
  const logged = async () => (await docker`docker logs ${container}`).stdall
  await until('its temporary server runs', async () => /server started/.test(await logged()))
  await docker`docker rm -f ${container}`
  await site.must('03-db')
  assert.equal(await asPostgres(site, 'SHOW lc_messages'), 'en_US.utf8')
})

test('02 to 04 start the site, verify finds it as required, and a second run changes nothing', async () => {
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  assert.equal((await site.get('/')).body, 'Hello from the minimal application')
  assert.equal((await site.get('/palindrom/level')).body, 'yes')
  assert.deepEqual(await red(), [])
  const ids = await site.ids()
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  assert.deepEqual(await site.ids(), ids)
})

test('03-db warns of indexes that another C library sorts differently, and the command that it prints repairs them', async () => {
  await asPostgres(site, "UPDATE pg_database SET datcollversion = '2.1' WHERE datname = 'prusa'")
  const told = await site.must('03-db')
  assert.match(told, /sort order .* has changed/)
  const line = /^ +sudo (docker exec .* REFRESH COLLATION VERSION')$/m.exec(told)?.[1]
  await docker`bash -c ${line}`
  assert.doesNotMatch(await site.must('03-db'), /sorts/)
})

test('--fresh takes a patched image under the same tag: it says so before, counts after, and leaves nothing of the old', async () => {
  const [release] = await site.releases()
  const runs = (service: string) => docker`docker inspect -f {{.Image}} ${`${site.project}-${service}-1`}`
  const [db, redis] = [(await runs('db')).stdout, (await runs('redis')).stdout]
  for (const service of ['postgres', 'python'] as const) await registry.put(service, 'tests/registry/patched')
  assert.match(await site.must('02-build'), /there: nothing to do[\s\S]*nothing to do/)

  const built = await site.must('02-build', '--fresh')
  assert.match(built, /Base images \(registry\): pulled .*postgres:17.*\n.*release \w+ built/)
  const behind = /! .*-db-1.* still run on a former base image: npm run deploy/
  assert.match((await site.run('verify')).text, behind)

  const prepared = await site.must('03-db')
  assert.match(
    prepared,
    /! \S+-db-1 is replaced, .*: for some seconds requests that need the database wait or fail/,
  )
  assert.match(prepared, /✓ PostgreSQL: replaced \([\d,]+ requests meanwhile, \d+ failed, slowest \d+ ms\)/)
  const started = await site.unnoticed(() => site.must('04-stack'))
  assert.match(started, /Redis: runs: nothing to do[\s\S]* 0 failed[\s\S]*Load balancer: runs: nothing to do/)

  assert.notEqual((await runs('db')).stdout, db)
  assert.equal((await runs('redis')).stdout, redis)
  for (const one of await site.releases()) assert.notEqual(one, release)
  assert.doesNotMatch((await site.run('verify')).text, behind)
  await assert.rejects(docker`docker image inspect ${db.trim()}`, /No such image/)
})

test('the same volumes work with images from the registry, from the Debian archive, and from the registry again', async () => {
  await site.get('/redis-hits')
  for (const images of ['debian', 'registry']) {
    const before = await kept()
    site.configure({ images })
    for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
    assert.deepEqual(await kept(), before)
    assert.equal((await site.get('/palindrom/level')).body, 'yes')
  }
  assert.deepEqual(await red(), [])
})

test('03-db refuses another major version of PostgreSQL before it touches anything', async () => {
  const before = [await site.ids(), stackEnv()]
  site.configure({ base_images: { postgres: await another('postgres', '18', AS_18) } })
  for (const script of ['03-db', '04-stack']) {
    const { exitCode, text } = await site.run(script)
    assert.equal(exitCode, 1)
    assert.match(text, /_db holds data of PostgreSQL 17, and \S+ is PostgreSQL 18, which cannot read it/)
    assert.match(text, /npm run backup\n.*docker volume rm \w+_db\n[\s\S]*npm run restore -- FILE\n/)
    assert.match(text, /nothing was changed/)
    assert.deepEqual([await site.ids(), stackEnv()], before)
  }
  site.configure({ base_images: { postgres: registry.image('postgres') } })
})

test('04-stack refuses a Redis that cannot read the old one’s data, before it touches anything', async () => {
  const before = [await site.ids(), stackEnv()]
  await docker`docker exec ${site.project}-redis-1 sh -c ${'redis-cli save; printf REDIS9999 >/data/dump.rdb'}`
  site.configure({ base_images: { redis: await another('redis', '8', 'LABEL prusa-test=another') } })
  const { exitCode, text } = await site.run('04-stack')
  assert.equal(exitCode, 1)
  assert.match(text, /redis:8\S* cannot read the data in the volume \w+_redis: .*RDB/)
  assert.deepEqual([await site.ids(), stackEnv()], before)
  await docker`docker exec ${site.project}-redis-1 redis-cli save`
  await site.must('04-stack')
})

/** Lines of a Dockerfile that make an image say that it is PostgreSQL 18. */
const AS_18 = `VOLUME /var/lib/postgresql
ENV PATH=/usr/local/bin:$PATH
RUN echo 'echo "postgres (PostgreSQL) 18.1"' >/usr/local/bin/postgres && chmod 755 /usr/local/bin/postgres`

/** An image over a stand-in, by another name. */
async function another(service: 'postgres' | 'redis', tag: string, lines: string): Promise<string> {
  const base = registry.image(service)
  const name = `${base.replace(/:[^:]*$/, '')}:${tag}-another`
  await docker({ input: `FROM ${base}\n${lines}\n` })`docker build -q -t ${name} -`
  return name
}

const stackEnv = () => readFileSync(path.join(site.folder, 'compose/stack.env'), 'utf8')

/** What the two volumes hold of ours. */
async function kept(): Promise<string[]> {
  const keys = await docker`docker exec ${site.project}-redis-1 redis-cli --raw dbsize`
  return [await asPostgres(site, 'SELECT count(*) FROM minimal'), keys.stdout.trim()]
}

/** What verify finds wrong, but for the users and packages of this machine. */
async function red(): Promise<string[]> {
  const { stdout } = await site.run('verify', '--json')
  const verdicts = JSON.parse(stdout) as {
    chapter: string
    required: string
    ok: boolean
    evidence: string
  }[]
  return verdicts
    .filter(({ chapter, ok }) => !ok && chapter !== 'Prepare the server')
    .map(({ required, evidence }) => `${required}: ${evidence}`)
}
