/** Backups and their restoration, on one deployment: what is lost comes back, and what cannot be restored changes nothing. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { $ } from 'zx'
import type { Result } from '../../scripts/lib/backup/backup.mts'
import { scheduled } from '../../scripts/lib/backup/schedule.mts'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { removeTimer } from '../../scripts/lib/server/timer.mts'
import { copyOf } from '../lib/application.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { interrupt } from '../lib/interrupt.mts'
import { LONG, testLong } from '../lib/long.mts'
import { as, asPostgres } from '../lib/sql.mts'
import { until } from '../lib/until.mts'
import { ArgumentWatch } from '../lib/watch.mts'

const ROWS = 100_000

const sh = $({ quiet: true })
let site: Deployment
/** The file of the first backup, here. */
let copy: string
/** A private key, here. */
let key: string
before(async () => {
  site = await Deployment.prepare()
  key = path.join(site.home, 'key.txt')
})
after(async () => {
  if (!site) return
  const { project, folder } = site
  await removeTimer(new Host('local'), scheduled({ ...defaults(stackSchema), project, folder }))
  await site.remove()
})

const files = () => path.join(site.folder, 'backup/files')
/** Makes a backup; returns what is told of it. */
async function backUp(...flags: string[]): Promise<Required<Result>> {
  return JSON.parse((await site.run('backup', '--json', ...flags)).stdout)
}
const listed = async (): Promise<Required<Result>[]> =>
  JSON.parse((await site.run('backup', '--list', '--json')).stdout)

/** All rows, as text. */
const rows = () => asPostgres(site, 'COPY (SELECT * FROM palindromes ORDER BY 1) TO STDOUT')
/** Every database with its number: none is made, and none renamed, where nothing was changed. */
const databases = () => asPostgres(site, 'SELECT datname, oid FROM pg_database ORDER BY oid')
const store = async (word: string) => assert.equal((await site.get(`/palindrom/${word}`)).status, 200)
const has = async (word: string) =>
  (await asPostgres(site, `SELECT count(*) FROM palindromes WHERE text = '${word}'`)) === '1'

/** Runs a restoration that must be refused, and change nothing. */
async function refused(message: RegExp, ...words: string[]): Promise<void> {
  const before = [await databases(), (await site.ids()).join()]
  const { exitCode, text } = await site.run('restore', ...words)
  assert.equal(exitCode, 1, text)
  assert.match(text, message)
  assert.match(text, / {2}State: nothing was changed\.\n {2}Next: {2}\S/)
  assert.deepEqual([await databases(), (await site.ids()).join()], before)
}

test('while nothing is deployed each says so, and leaves nothing', async () => {
  for (const [script, words, code, said] of [
    [
      'backup',
      [],
      1,
      /There is no container \w+-db-1 on this machine\n {2}State: .*\n {2}Next: {2}npm run deploy/,
    ],
    ['backup', ['--list'], 0, /No backup is on this machine\. Next: npm run backup/],
    ['restore', ['x.age'], 1, /There is no container \w+-db-1 on this machine/],
  ] as [string, string[], number, RegExp][]) {
    const { exitCode, text } = await site.run(script, ...words)
    assert.deepEqual([exitCode, said.test(text)], [code, true], text)
  }
  assert.equal(existsSync(site.folder), false)
})

describe('on a deployment', () => {
  before(async () => {
    await Deployment.start({ database: { memory: '512m' } }, site)
    await asPostgres(
      site,
      `INSERT INTO public.palindromes (sha256, text) SELECT encode(sha256(n::text::bytea), 'hex'), n::text FROM generate_series(1, ${ROWS}) n`,
    )
  })

  test('PostgreSQL: checksums, fsync, and memory as its container has it', async () => {
    const shown = await asPostgres(
      site,
      `SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) FROM pg_settings WHERE name IN ('data_checksums', 'fsync', 'shared_buffers', 'effective_cache_size')`,
    )
    assert.equal(shown, 'data_checksums=on effective_cache_size=384MB fsync=on shared_buffers=128MB')
  })

  test('a backup: one encrypted file for root alone, there and here; nobody who writes notices', async () => {
    await store('abba')
    const to = path.join(site.home, 'backups')
    const text = await site.unnoticed(() => site.must('backup', '--to', to), { page: '/palindrom/abba' })
    const [made] = await listed()
    assert.ok(made)
    copy = path.join(to, made.file)
    const there = path.join(files(), made.file)
    assert.match(text, /Backup: 100,00\d rows in 1 table, \d+\.\d MB/)
    assert.match(text, new RegExp(`Copy: ${copy}, with the same checksum`))
    assert.match(
      text,
      /The passphrase in \S+\/backup\/passphrase decrypts it: keep a copy of the passphrase elsewhere/,
    )
    for (const file of [copy, there]) assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.ok(readFileSync(copy).equals(readFileSync(there)))
    assert.match(readFileSync(copy, 'latin1'), /^age-encryption\.org\/v1\n-> scrypt /)
    assert.equal((await sh`sha256sum ${copy}`).stdout.split(' ')[0], made.sha256)
    assert.deepEqual(readdirSync(path.join(site.folder, 'backup')).sort(), [
      'files',
      'passphrase',
      'results.jsonl',
    ])
    assert.match(
      (await site.run('status')).stdout,
      /^backup +\d{4}-.* UTC, 100,00\d rows in 1 table, \d+\.\d MB$/m,
    )
  })

  test('a file that is cut, damaged, foreign or not opened changes nothing, and neither does a name that nobody knows', async () => {
    const whole = readFileSync(copy)
    const put = (name: string, content: string | Buffer) => {
      const file = path.join(site.home, name)
      writeFileSync(file, content)
      return file
    }
    const damaged = Buffer.from(whole)
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1
    await refused(/cut\.age is damaged: age: /, put('cut.age', whole.subarray(0, -100)))
    await refused(/damaged\.age is damaged: age: /, put('damaged.age', damaged))
    await refused(/foreign\.age is not a backup: age did not make it/, put('foreign.age', 'PGDMP\n'))
    await refused(
      /cannot be decrypted by this key or passphrase: age: incorrect passphrase/,
      copy,
      '--key',
      put('wrong', 'wrong\n'),
    )
    await refused(
      /There is no file nothing\.age on this machine, .*; the nearest name there is /,
      'nothing.age',
    )
    assert.equal((await site.run('restore', copy, '--key', '/nowhere')).exitCode, 2)
  })

  test('restored: row by row as it was; what came after is gone, and comes back by --undo; others notice nothing', async (context) => {
    const before = await rows()
    await store('radar')
    await asPostgres(site, `DELETE FROM public.palindromes WHERE sha256 < '8'`)
    const text = await site.unnoticed(() => site.must('restore', path.basename(copy)))
    assert.equal(await rows(), before)
    assert.equal(await has('radar'), false)
    await store('kayak')
    assert.deepEqual(
      (await as(site, 'developer', `SELECT text FROM palindromes WHERE text = 'kayak'`)).text,
      'kayak',
    )
    assert.match(text, /Schema: of release \w+: nothing to do/)
    assert.doesNotMatch(text, /Passwords|Certificate|History/)
    const [, seconds] = /for (\d+\.\d) s at most there was no database/.exec(text) ?? []
    context.diagnostic(`${seconds} s without a database`)

    assert.match(await site.must('restore', '--undo'), /is live; for .* s at most there was no database/)
    assert.deepEqual([await has('radar'), await has('kayak'), await has('abba')], [true, false, true])
    await site.must('restore', '--undo')
    assert.deepEqual([await has('radar'), await has('kayak')], [false, true])
  })

  test('the database before stays until the next backup', async () => {
    assert.match(await databases(), /prusa_before_\d{14}/)
    await backUp()
    assert.doesNotMatch(await databases(), /prusa_before_/)
    await refused(/No database from before a restoration is on this machine/, '--undo')
  })

  test('a restoration that is killed changes nothing, and the next one is complete', async () => {
    await store('rotator')
    const own = await databases()
    await interrupt(site, 'restore', [copy], 'SIGKILL', /Backup: of/)
    const text = await site.must('restore', copy)
    assert.match(text, /New database: 100,00\d rows in 1 table, as many as at the backup/)
    assert.equal(await has('rotator'), false)
    assert.notEqual(await databases(), own)
    assert.doesNotMatch(readdirSync(path.join(site.folder, 'backup')).join(' '), /work|sent/)
  })

  testLong(
    'what only the superuser may is not done by a function of app’s that a backup brings along',
    async () => {
      const made = await as(
        site,
        'app',
        `CREATE FUNCTION raised(n int) RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN
           BEGIN EXECUTE 'RESET ROLE'; EXECUTE 'ALTER ROLE app SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
           RETURN true;
         END $$;
       CREATE TABLE trap (n int CHECK (raised(n))); INSERT INTO trap VALUES (1);
       CREATE EXTENSION citext; CREATE TABLE people (name citext); INSERT INTO people VALUES ('Ann')`,
      )
      assert.ok(made.ok, made.text)
      const { file } = await backUp()
      await site.must('restore', file)
      assert.equal(await asPostgres(site, "SELECT rolsuper FROM pg_roles WHERE rolname = 'app'"), 'f')
      const people = 'SELECT count(*) FROM people, trap WHERE name = $$ANN$$'
      assert.deepEqual(await as(site, 'developer', people), { ok: true, text: '1' })
      const gone = await as(
        site,
        'app',
        'DROP TABLE people, trap; DROP EXTENSION citext; DROP FUNCTION raised',
      )
      assert.ok(gone.ok, gone.text)
    },
  )

  test('with a public key only the private key opens it; a backup of another project is refused without --force', async () => {
    await sh`age-keygen -o ${key}`
    const open = (await sh`age-keygen -y ${key}`).stdout.trim()
    site.configure({ backup: { key: open } })
    await store('refer')
    const { file } = await backUp()
    const there = path.join(files(), file)
    assert.match(readFileSync(there, 'latin1'), /^age-encryption\.org\/v1\n-> X25519 /)
    await refused(/cannot be decrypted: it was encrypted for a public key/, file)
    const other = path.join(site.home, 'other.txt')
    await sh`age-keygen -o ${other}`
    await refused(
      /cannot be decrypted by this key or passphrase: age: .*no identity matched/,
      file,
      '--key',
      other,
    )

    const folder = path.join(site.home, 'opened')
    mkdirSync(folder)
    await sh`age -d -i ${key} ${there} | tar -x -C ${folder}`
    assert.deepEqual(readdirSync(path.join(folder, 'files')).sort(), [
      'backup',
      'compose',
      'history.jsonl',
      'nginx',
      'secrets',
      'targets',
    ])
    await sh({ cwd: folder })`sed -i 's/"project": ".*"/"project": "elsewhere"/' manifest.json
      find . -type f ! -name SHA256SUMS -exec sha256sum {} + >../sums; mv ../sums SHA256SUMS`
    const foreign = path.join(site.home, 'elsewhere.age')
    await sh`tar -c -C ${folder} . | age -r ${open} -o ${foreign}`
    await refused(/is a backup of elsewhere, and this deployment is \w+/, foreign, '--key', key)

    await asPostgres(site, 'DELETE FROM public.palindromes')
    const watch = await ArgumentWatch.start()
    try {
      await site.must('restore', foreign, '--key', key, '--force')
      const secret = readFileSync(key, 'utf8').trim().split('\n').at(-1) as string
      const seen = await watch.end()
      assert.match(seen, /pg_restore/)
      for (const one of [secret, site.secret('db_owner_password')]) assert.ok(!seen.includes(one))
    } finally {
      watch.stop()
    }
    assert.equal(await has('refer'), true)
  })

  const source = () => path.join(site.home, 'app')
  /** Makes create_db.py add a column, and so a new release. */
  function migrate(column: string): void {
    const code = `
from sqlalchemy import text

def add_${column}(engine):
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE palindromes ADD COLUMN IF NOT EXISTS ${column} int"))

run(add_${column}, done="There is the column ${column}.")
`
    appendFileSync(path.join(source(), 'create_db.py'), code)
  }

  test('before a schema is changed the database is kept, and the history names the backup; without a change none is', async () => {
    site.configure({ app: { source: copyOf(site, 'app') }, rollout: { surge: 'all' } })
    migrate('one')
    await site.must('redeploy')
    const made = (await listed()).at(-1)
    const last = await lastRollout()
    assert.deepEqual([last.schemaChanged, last.backup], [true, made?.file])
    assert.equal(made?.why, `before the schema of release ${last.to}`)
    appendFileSync(path.join(source(), 'app.py'), '# another release\n')
    await site.must('redeploy')
    assert.equal((await lastRollout()).schemaChanged, false)
    assert.deepEqual((await listed()).at(-1), made)
    // Back to the schema of before, by the release of now.
    assert.match(await site.must('restore', made?.file ?? '', '--key', key), /Schema: prepared by release/)
    assert.match(
      await asPostgres(
        site,
        `SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'palindromes'::regclass AND attnum > 0`,
      ),
      /\bone$/,
    )
  })

  testLong(
    'the steps of a deploy change the schema before the rollout; backup: never makes none',
    async () => {
      site.configure({ rollout: { backup: 'never' } })
      migrate('two')
      await site.must('02-build')
      assert.doesNotMatch(await site.must('03-db'), /backup of the database/)
      await site.must('04-stack')
      const { schemaChanged, backup } = await lastRollout()
      assert.deepEqual([schemaChanged, backup], [true, undefined])
      site.configure({ rollout: { backup: 'auto' } })
    },
  )

  test('the server makes one by itself, keeps so many days and weeks, and status is red when it fails', async () => {
    site.configure({ backup: { at: '03:30', keep: { daily: 2, weekly: 3 } } })
    assert.match(await site.must('04-stack'), /Backup: every day at 03:30 by (cron|a systemd timer) /)
    assert.match(await site.must('04-stack'), /Backup: every day at 03:30 by .*: nothing to do/)
    const old = ['20200101', '20200108', '20200109', '20200117', '20200118']
    for (const day of old) writeFileSync(path.join(files(), `${site.project}-${day}-033000.age`), 'x')
    const program = path.join(site.folder, 'backup/run')
    await sh`${program}`
    const kept = readdirSync(files()).filter((name) => name.includes('-2020'))
    // All of the two last days, and the last of each of the three last weeks: this one, the 13th's and the 6th's.
    assert.deepEqual(
      kept,
      ['20200109', '20200118'].map((day) => `${site.project}-${day}-033000.age`),
    )
    assert.equal((await listed()).at(-1)?.why, 'schedule')
    assert.equal(existsSync(path.join(site.folder, 'lock.token')), false)

    await docker`docker stop ${site.project}-db-1`
    await assert.rejects(sh`${program}`, /is not running/)
    await site.must('restart', 'db')
    const red = await site.run('status')
    assert.match(
      red.text,
      /✗ The last backup \(schedule\) failed: .*is not running.*\n {2}Next: npm run backup\n/,
    )
    assert.equal(red.exitCode, 1)
    await backUp()
    const green = await site.run('status')
    assert.equal(green.exitCode, 0, green.text)
    site.configure({ backup: { at: '' } })
    assert.match(await site.must('04-stack'), /Backup: no daily backup \(backup\.at\) /)
    assert.equal(existsSync(program), false)
  })

  test('PostgreSQL killed again and again: every palindrome that got its answer is there', async (context) => {
    const stored: string[] = []
    let storing = true
    const client = (async () => {
      for (let n = 0; storing; n++) {
        const word = `a${n}b${n}`
        const text = word + [...word].reverse().join('')
        const answer = await site.get(`/palindrom/${text}`).catch(() => undefined)
        if (answer?.status === 200) stored.push(text)
      }
    })()
    const kills = LONG ? 20 : 3
    for (let kill = 0; kill < kills; kill++) {
      const before = stored.length
      // An engine that starts a container again and again waits longer each time, unless it ran for ten seconds.
      await until(
        'palindromes are stored',
        async () => stored.length > before + 5 && (!LONG || (await age()) > 11_000),
      )
      const pid = (await docker`docker inspect -f ${'{{.State.Pid}}'} ${site.project}-db-1`).stdout.trim()
      process.kill(Number(pid), 'SIGKILL')
    }
    const before = stored.length
    await until('palindromes are stored again', () => stored.length > before + 5)
    storing = false
    await client
    const there = (await asPostgres(site, `SELECT text FROM palindromes WHERE text LIKE 'a%'`)).split('\n')
    assert.deepEqual(
      stored.filter((text) => !there.includes(text)),
      [],
    )
    context.diagnostic(`${kills} kills, ${stored.length} palindromes answered, all there`)
  })

  testLong(
    'destroy --data wants a backup younger than a day; on what is deployed anew everything comes back from it',
    async () => {
      site.configure({ backup: { key: '' } })
      const { file } = await backUp()
      const old = new Date(Date.now() - 25 * 3_600_000)
      for (const name of readdirSync(files())) utimesSync(path.join(files(), name), old, old)
      const ids = await site.ids()
      const no = await site.run('destroy', '--data', '--yes')
      assert.match(no.text, /no backup on the server is younger than a day/)
      assert.equal(no.exitCode, 1)
      assert.deepEqual(await site.ids(), ids)
      utimesSync(path.join(files(), file), new Date(), new Date())

      const secrets = ['db_owner_password', 'db_developer_password', 'admin_password']
      const before = {
        rows: await rows(),
        secrets: secrets.map((name) => site.secret(name)),
        certificate: site.certificate,
      }
      const history = readFileSync(path.join(site.folder, 'history.jsonl'), 'utf8')
      assert.match(
        await site.must('destroy', '--data', '--yes'),
        /Kept: the backups, in .*, then npm run restore, bring the data back/,
      )
      assert.deepEqual(
        [readdirSync(site.folder).filter((name) => !name.startsWith('lock')), await site.ids()],
        [['backup'], []],
      )

      await Deployment.start({}, site)
      assert.notEqual(site.secret('db_owner_password'), before.secrets[0])
      const text = await site.must('restore', file)
      for (const step of [
        'Passwords: those of the backup',
        'Certificate: that of the backup',
        'History: that of the backup',
      ])
        assert.ok(text.includes(step), text)
      assert.deepEqual(
        {
          rows: await rows(),
          secrets: secrets.map((name) => site.secret(name)),
          certificate: site.certificate,
        },
        before,
      )
      assert.ok(readFileSync(path.join(site.folder, 'history.jsonl'), 'utf8').startsWith(history))
      await store('deified')
      const login = `Basic ${Buffer.from(`developer:${before.secrets[2]}`).toString('base64')}`
      assert.equal((await site.get('/admin', { authorization: login })).status, 200)
      assert.equal(
        (await as(site, 'developer', `SELECT text FROM palindromes WHERE text = 'deified'`)).text,
        'deified',
      )
    },
  )
})

/** Milliseconds since PostgreSQL's container was started. */
async function age(): Promise<number> {
  const { stdout } = await docker`docker inspect -f ${'{{.State.StartedAt}}'} ${site.project}-db-1`
  return Date.now() - Date.parse(stdout.trim())
}

async function lastRollout() {
  return JSON.parse((await site.run('history', '--json')).stdout).at(-1)
}
