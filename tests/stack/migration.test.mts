/** The schema step while somebody has a lock in its way, and whatever the image starts by itself. */
import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { $ } from 'zx'
import { type Deployment, docker } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { changing } from '../lib/shared.mts'
import { asPostgres } from '../lib/sql.mts'
import { until } from '../lib/until.mts'

let site: Deployment
let source: string
before(async () => {
  const made = await changing.take()
  site = made.site
  source = made.source
})
after(() => changing.leave())

/** A Dockerfile with an entrypoint, which would start the application. */
const ENTRYPOINT = `ARG PYTHON_IMAGE
FROM \${PYTHON_IMAGE}
WORKDIR /app
COPY . .
ENTRYPOINT ["python", "app.py"]
`

/** Makes create_db.py add a column, and so a new release. */
function migrate(column: string): void {
  const code = `\nwith connect() as connection, connection.cursor() as cursor:\n    cursor.execute("ALTER TABLE minimal ADD COLUMN IF NOT EXISTS ${column} int")\n`
  appendFileSync(path.join(source, 'create_db.py'), code)
}

const columns = () =>
  asPostgres(
    site,
    `SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'minimal'::regclass AND attnum > 0`,
  )
const waiting = async () =>
  (await asPostgres(
    site,
    `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ '^ALTER'`,
  )) !== '0'
const oneOffs = async () =>
  (
    await docker`docker ps -aq --filter label=com.docker.compose.project=${site.project} --filter label=com.docker.compose.oneoff=True`
  ).stdout.trim()

/** Does the work while a role's transaction has done this and then nothing. */
async function meanwhile<T>(role: string, sql: string, work: () => Promise<T>): Promise<T> {
  const secret = role === 'app' ? 'db_owner_password' : 'db_developer_password'
  const session = $({
    quiet: true,
    nothrow: true,
  })`docker exec -i ${site.project}-db-1 sh -c ${'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -h 127.0.0.1 -U "$0" -d prusa -qAtX'} ${role}`
  session.stdin.write(`${site.secret(secret)}\nBEGIN; ${sql};\n\\echo begun\n`)
  await new Promise((resolve) => session.stdout.once('data', resolve))
  try {
    return await work()
  } finally {
    session.stdin.end()
    await session
  }
}

test('create_db.py runs in an image with an entrypoint of its own, and leaves no container', async () => {
  writeFileSync(path.join(source, 'Dockerfile'), ENTRYPOINT)
  site.configure({
    app: { environment: { MINIMAL_DRAIN: '0' } },
    database: { lock_timeout: 1, developer_idle_timeout: 1000 },
  })
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  assert.equal(await columns(), 'id text')
  assert.equal(await oneOffs(), '')
})

test('create_db.py does not get its lock: redeploy names the holder, the site serves on, and nothing of the migration is left', async () => {
  const [old] = await site.releases()
  migrate('refused')
  await meanwhile('developer', 'SELECT count(*) FROM minimal', () =>
    site.unnoticed(async () => {
      const { exitCode, text } = await site.run('redeploy')
      assert.equal(exitCode, 1, text)
      assert.match(
        text,
        /got no lock in the database: it tried 3 times for 1 s \(database.lock_timeout\). The lock is held by\n +developer \(process \d+\), idle in transaction since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: SELECT count\(\*\) FROM minimal/,
      )
      assert.match(
        text,
        /Next: {2}Let that session end, .*pg_terminate_backend\(\d+\)'\), then: npm run redeploy/,
      )
      assert.equal(await waiting(), false)
      assert.equal(await oneOffs(), '')
    }),
  )
  assert.equal(await columns(), 'id text')
  assert.deepEqual(await site.releases(), [old, old])
})

for (const [run, how, signal] of [
  [test, 'Ctrl-C', 'SIGINT'],
  [testLong, 'kill -9', 'SIGKILL'],
  [testLong, 'kill -9 of all that it started, too', 'SIGKILL'],
] as const)
  run(`${how} while the migration waits: nothing is applied later`, async () => {
    site.configure({ database: { lock_timeout: 600 } })
    migrate('later')
    await meanwhile('developer', 'SELECT count(*) FROM minimal', async () => {
      const run = site.begin('redeploy')
      await until('the migration waits', waiting)
      const started = how.includes('all') ? await descendants(run.pid as number) : []
      process.kill(-(run.pid as number), signal)
      for (const pid of started) await $({ nothrow: true, quiet: true })`kill -9 ${pid}`
      await run
      await until('its session is gone', async () => !(await waiting()))
    })
    assert.equal(await columns(), 'id text')
    await until('its container is gone', async () => (await oneOffs()) === '')
    site.configure({ database: { lock_timeout: 1 } })
  })

async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await $({ quiet: true })`ps -e -o pid=,ppid=`
  const parents = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/).map(Number))
  const below = (one: number): number[] =>
    parents.filter(([, parent]) => parent === one).flatMap(([child = 0]) => [child, ...below(child)])
  return below(pid)
}

test('verify names the session that everybody waits for', async () => {
  await meanwhile('app', 'LOCK TABLE minimal', async () => {
    const { text } = await site.run('verify')
    assert.match(
      text,
      /✗ A read-only user developer: SELECT as developer: canceling statement due to lock timeout \(waits for a lock of app \(process \d+\), idle in transaction since .*: LOCK TABLE minimal/,
    )
    assert.ok(text.length < 8000, text)
  })
})

test('when the lock is free, the same command succeeds; only idle sessions of developer end', async () => {
  assert.match(await site.must('redeploy'), /released|release \w+ → \w+/)
  assert.match(await columns(), /later/)
  const settings = await asPostgres(
    site,
    `SELECT r.rolname, unnest(setconfig) FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole ORDER BY 1, 2`,
  )
  assert.equal(
    settings,
    'developer|default_transaction_read_only=on\ndeveloper|idle_in_transaction_session_timeout=1000s',
  )
})
