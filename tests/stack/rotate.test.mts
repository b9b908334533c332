/** `npm run secrets -- rotate`: each password changed under requests that need it, whole and cut off anywhere. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { withLock } from '../../scripts/lib/host/lock.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { basic } from '../lib/get.mts'
import { interrupt } from '../lib/interrupt.mts'
import { LONG } from '../lib/long.mts'
import { seeded } from '../lib/random.mts'
import { deployment, MINIMAL } from '../lib/shared.mts'
import { as, asPostgres } from '../lib/sql.mts'
import { ArgumentWatch } from '../lib/watch.mts'

/** How often the rotation of the owner's password is killed. */
const KILLS = LONG ? 5 : 1
/** Each request opens a connection to the database, which costs both sides 4096 rounds of SHA-256 (RFC 7677). */
const LOAD = { rate: 8, page: '/palindrom/level' }
/** Milliseconds that it took when nobody killed it. */
let longest = 15_000
const random = seeded(4)

let site: Deployment
/** The arguments of all programs that ran while passwords were rotated. */
const seen: string[] = []
const passwords: string[] = []
const texts: string[] = []
const shared = deployment(MINIMAL)
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

/** Everything that a rotation could leave behind, the passwords themselves left out. */
async function state(): Promise<string> {
  const roles = await asPostgres(
    site,
    `SELECT rolname, rolcanlogin, rolsuper FROM pg_roles ORDER BY 1; SELECT * FROM pg_auth_members WHERE member > 16383;
     SELECT setconfig FROM pg_db_role_setting; SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'`,
  )
  const files = readdirSync(path.join(site.folder, 'secrets')).sort().join(' ')
  const replicas = (await site.containers('app')).length
  return [roles, files, `${replicas} replicas`].join('\n')
}

async function opens(role: string, password: string): Promise<boolean> {
  return (await as(site, role, 'SELECT 1', { password })).ok
}

/** Rotates while every request needs a new connection to the database. */
async function rotated(name: string): Promise<{ old: string; now: string }> {
  const old = site.secret(name)
  const watch = await ArgumentWatch.start()
  try {
    texts.push(await site.unnoticed(() => site.must('secrets', 'rotate', name, '--verbose'), LOAD))
    seen.push(await watch.end())
  } finally {
    watch.stop()
  }
  const now = site.secret(name)
  passwords.push(old, now)
  assert.notEqual(now, old)
  assert.match(now, /^[\w-]{43}$/)
  return { old, now }
}

test('each request of the load opens a connection to the database: a wrong password fails all of them', async () => {
  site.configure({ probe: { path: '/palindrom/level' } })
  await asPostgres(site, 'ALTER ROLE app PASSWORD NULL')
  const load = await site.underLoad(() => sleep(1000), LOAD)
  assert.equal(load.failed.length, load.requests)
  await site.must('03-db')
  assert.equal((await site.get('/palindrom/level')).status, 200)
})

test('the rotation of the owner’s password costs no request, the old password opens nothing, and all else stays', async () => {
  const before = await state()
  const began = performance.now()
  const { old, now } = await rotated('db_owner_password')
  longest = Math.round(performance.now() - began)
  assert.equal(await opens('app', old), false)
  assert.equal(await opens('app', now), true)
  assert.equal(await opens('app_bridge', now), false)
  assert.equal(await state(), before)
  for (const replica of await site.containers('app')) {
    const { stdout } = await docker`docker inspect -f '{{json .Config.Env}}' ${replica}`
    assert.ok(stdout.includes(`//app:${now}@`))
  }
})

test('so does the rotation of the developer’s password', async () => {
  const before = await state()
  const { old, now } = await rotated('db_developer_password')
  assert.equal(await opens('developer', old), false)
  assert.equal(await opens('developer', now), true)
  assert.equal(await state(), before)
})

test('so does the rotation of the admin’s password, and nginx is not reloaded', async () => {
  const workers = async () => (await docker`docker top ${`${site.project}-lb-1`} -eo pid`).stdout
  const before = await workers()
  const { old, now } = await rotated('admin_password')
  const status = async (password: string) => {
    return (await site.get('/admin', { Authorization: basic('developer', password) })).status
  }
  assert.equal(await status(old), 401)
  assert.equal(await status(now), 200)
  assert.equal(await workers(), before)
})

test(`a rotation that is killed ${KILLS}× costs no request, and the next run finishes it`, async (context) => {
  const before = await state()
  const old = site.secret('db_owner_password')
  await site.unnoticed(async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const delay = random(longest)
      const text = await interrupt(site, 'secrets', ['rotate', 'db_owner_password'], 'SIGKILL', delay)
      context.diagnostic(`killed after ${delay} ms: ${text.trim().split('\n').at(-1)}`)
      passwords.push(site.secret('db_owner_password'))
    }
    // What else somebody may run then does no harm.
    for (const script of ['03-db', '04-stack']) await site.must(script)
    await site.must('secrets', 'rotate', 'db_owner_password')
  }, LOAD)
  const now = site.secret('db_owner_password')
  assert.equal(await opens('app', old), false)
  assert.equal(await opens('app', now), true)
  assert.equal(await state(), before)
})

test('secrets without a name lists the files and no values', async () => {
  const { exitCode, stdout } = await site.run('secrets')
  assert.equal(exitCode, 0)
  for (const name of ['db_owner_password', 'db_developer_password', 'admin_password', 'app.env', 'key.pem'])
    assert.match(stdout, new RegExp(`${name} +[46]00 `))
  texts.push(stdout)
})

test('secrets rotate is refused while somebody else holds the lock', async () => {
  const stack = { ...defaults(stackSchema), folder: site.folder }
  const before = site.secret('admin_password')
  await withLock(new Host('local'), stack, 'a trial', async () => {
    const { exitCode, text } = await site.run('secrets', 'rotate', 'admin_password')
    assert.equal(exitCode, 1)
    assert.match(text, /Another run is under way: \S+ since \S+ for a trial/)
  })
  assert.equal(site.secret('admin_password'), before)
})

test('no script prints a password or has one on a command line', async () => {
  const all = seen.join('\n')
  assert.ok(all.includes('psql') && all.includes('htpasswd'), 'the watch missed what the scripts start')
  const { stdall } = await docker`docker logs ${`${site.project}-db-1`}`
  assert.ok(passwords.length >= 6 + KILLS)
  for (const password of passwords) {
    for (const text of [all, stdall, ...texts]) assert.ok(!text.includes(password))
  }
})
