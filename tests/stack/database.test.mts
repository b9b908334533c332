/** The database as its two roles find it: `app` may do everything in it, `developer` may read it and nothing else. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { deployment } from '../lib/shared.mts'
import { as, asPostgres, each } from '../lib/sql.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('developer logs in over the server’s 127.0.0.1 and reads what the application stored', async () => {
  assert.equal((await site.get('/palindrom/level')).status, 200)
  const [replica = ''] = await site.containers('app')
  const image = (await docker`docker inspect -f '{{.Config.Image}}' ${replica}`).stdout.trim()
  const client = `
import sys, psycopg2
connection = psycopg2.connect(host="127.0.0.1", port=${site.ports.db}, dbname="prusa", user="developer",
                              password=sys.stdin.readline().rstrip())
cursor = connection.cursor()
cursor.execute("SELECT text FROM palindromes")
print(cursor.fetchall())`
  const input = `${site.secret('db_developer_password')}\n`
  const told = await docker({ input })`docker run --rm -i --network host ${image} python -c ${client}`
  assert.equal(told.stdout.trim(), "[('level',)]")
})

test('developer reads every table, also one that app makes later in a new schema', async () => {
  const tables = await asPostgres(site, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
  for (const table of tables.split('\n'))
    assert.deepEqual((await as(site, 'developer', `SELECT count(*) >= 0 FROM ${table}`)).text, 't')
  const made = await as(
    site,
    'app',
    `CREATE TABLE tomorrow (n serial, big oid); INSERT INTO tomorrow (n) VALUES (1);
     CREATE SCHEMA later; CREATE TABLE later.one (n serial); INSERT INTO later.one VALUES (2);
     CREATE VIEW later.seen AS SELECT * FROM later.one; CREATE MATERIALIZED VIEW later.kept AS SELECT 3 AS n;
     CREATE FUNCTION public.writes() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO tomorrow VALUES (9)';
     CREATE FUNCTION later.writes() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO tomorrow VALUES (9)';
     CREATE PROCEDURE later.does() LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO tomorrow VALUES (9)';`,
  )
  assert.ok(made.ok, made.text)
  const read =
    'SELECT n FROM tomorrow UNION SELECT n FROM later.seen UNION SELECT n FROM later.kept ORDER BY 1'
  assert.deepEqual(await as(site, 'developer', read), { ok: true, text: '1\n2\n3' })
  assert.ok((await as(site, 'developer', 'SELECT last_value FROM later.one_n_seq')).ok)
})

test('app uses its extensions, and developer reads with them, after any number of runs of 03-db', async () => {
  const made = await as(
    site,
    'app',
    `CREATE EXTENSION citext; CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pg_trgm;
     CREATE SCHEMA trees; CREATE EXTENSION ltree SCHEMA trees;
     CREATE TABLE people (id uuid DEFAULT uuid_generate_v4(), name citext, at trees.ltree);
     CREATE INDEX ON people USING gin ((name::text) gin_trgm_ops);
     CREATE TYPE span AS RANGE (subtype = float8);
     CREATE FUNCTION initial(name text) RETURNS text LANGUAGE sql RETURN upper(left(name, 1));
     CREATE FUNCTION trees.opposite(int, int) RETURNS boolean LANGUAGE sql RETURN $1 = -$2;
     CREATE OPERATOR trees.<-> (FUNCTION = trees.opposite, LEFTARG = int, RIGHTARG = int);
     CREATE VIEW initials AS SELECT initial(name::text) FROM people;`,
  )
  assert.ok(made.ok, made.text)
  // What an earlier form of these scripts did on every run but the first; it is made good.
  await asPostgres(site, 'REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM PUBLIC')
  await site.must('03-db')
  assert.match(await site.must('03-db'), /Roles: app and developer: nothing to do/)
  const used = await as(
    site,
    'app',
    `INSERT INTO people (name, at) VALUES ('Ann', 'a.b'); SELECT crypt('x', gen_salt('md5')) <> '' FROM people WHERE name = 'ANN'`,
  )
  assert.deepEqual(used, { ok: true, text: 't' })
  const reads = `SELECT name % 'Anna', at OPERATOR(trees.<@) 'a', span(1, 3) @> 2::float8, 1 OPERATOR(trees.<->) -1
                   FROM people WHERE name = 'ann' UNION ALL SELECT initials.initial = 'A', true, true, true FROM initials`
  assert.deepEqual(await as(site, 'developer', reads), { ok: true, text: 't|t|t|t\nt|t|t|t' })
})

test('03-db revokes rights to write from developer and from everybody; app keeps its own', async () => {
  const given = await as(
    site,
    'app',
    `CREATE FUNCTION later.given() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;
     GRANT EXECUTE ON FUNCTION later.given() TO PUBLIC; GRANT CREATE ON SCHEMA later TO PUBLIC;
     CREATE TABLE later.given (n serial, m int); GRANT ALL ON later.given TO PUBLIC; GRANT USAGE ON later.given_n_seq TO developer;
     CREATE TABLE columns (n int); GRANT INSERT (n) ON columns TO developer; GRANT TEMPORARY ON DATABASE prusa TO developer;`,
  )
  assert.ok(given.ok, given.text)
  await asPostgres(
    site,
    `CREATE TABLE later.foreign (n int); GRANT INSERT ON later.foreign TO PUBLIC;
     CREATE FUNCTION later.foreign() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;`,
  )
  await site.must('03-db')
  const own = 'INSERT INTO later.foreign SELECT later.foreign(); SELECT n FROM later.foreign'
  assert.deepEqual(await as(site, 'app', own), { ok: true, text: '1' })
  assert.deepEqual(await as(site, 'developer', 'SELECT n FROM later.foreign'), { ok: true, text: '1' })
})

test('03-db does not run a function of app with the superuser’s rights', async () => {
  const made = await as(
    site,
    'app',
    `CREATE FUNCTION public.raised(text) RETURNS text LANGUAGE plpgsql AS $$
       BEGIN EXECUTE 'ALTER ROLE app SUPERUSER'; RETURN $1; END $$;
     CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql RETURN raised($1);
     CREATE FUNCTION public.concat_ws(${Array(9).fill('text').join(', ')}) RETURNS text LANGUAGE sql RETURN raised($1);`,
  )
  assert.ok(made.ok, made.text)
  await site.must('03-db')
  assert.equal(await asPostgres(site, "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'app'"), 'f')
  await asPostgres(site, 'DROP FUNCTION public.raised CASCADE')
})

test('PostgreSQL refuses developer every change, also in a session that allows writing', async (context) => {
  const refused = [
    "INSERT INTO palindromes VALUES ('a', 'b')",
    'UPDATE palindromes SET text = text',
    'DELETE FROM palindromes',
    'TRUNCATE palindromes',
    'SELECT * FROM palindromes FOR UPDATE',
    'INSERT INTO later.one VALUES (1)',
    'DELETE FROM later.seen',
    'MERGE INTO tomorrow USING later.one ON true WHEN MATCHED THEN DELETE',
    'BEGIN; LOCK TABLE palindromes IN EXCLUSIVE MODE',
    'CREATE TABLE mine (n int)',
    'CREATE TABLE later.mine (n int)',
    'SELECT 1 AS n INTO mine',
    'CREATE TEMPORARY TABLE mine (n int)',
    'CREATE SCHEMA mine',
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    'CREATE VIEW mine AS SELECT 1',
    'CREATE EXTENSION hstore',
    'CREATE DATABASE mine',
    'CREATE ROLE mine',
    'ALTER TABLE palindromes ADD COLUMN mine int',
    'ALTER ROLE app PASSWORD NULL',
    'ALTER ROLE developer SUPERUSER',
    'DROP TABLE palindromes',
    'DROP SCHEMA later CASCADE',
    'GRANT INSERT ON palindromes TO developer',
    'SET ROLE app',
    'SET SESSION AUTHORIZATION app',
    "COMMENT ON TABLE palindromes IS 'mine'",
    'CREATE INDEX ON palindromes (text)',
    'REFRESH MATERIALIZED VIEW later.kept',
    "SELECT nextval('tomorrow_n_seq')",
    "SELECT setval('later.one_n_seq', 9)",
    'SELECT public.writes()',
    'SELECT later.writes()',
    'CALL later.does()',
    'SELECT later.given()',
    'SELECT later.foreign()',
    'INSERT INTO later.given (m) VALUES (1)',
    'INSERT INTO later.foreign VALUES (1)',
    'INSERT INTO columns VALUES (1)',
    "SELECT nextval('later.given_n_seq')",
    'SELECT lo_create(0)',
    'SELECT lo_creat(-1)',
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    'SELECT lo_unlink(1)',
    "COPY palindromes TO PROGRAM 'cat'",
    "COPY palindromes TO '/tmp/x'",
    "COPY palindromes FROM PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    'SELECT * FROM pg_hba_file_rules',
    'SELECT * FROM pg_file_settings',
    'SELECT pg_current_logfile()',
    'SELECT rolpassword FROM pg_authid',
    'SELECT passwd FROM pg_shadow',
    'SELECT pg_reload_conf()',
    "ALTER SYSTEM SET log_statement = 'all'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'",
    'CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION writes()',
    'CREATE PUBLICATION mine',
  ]
  const before = await contents()
  // Read-only is a developer's default that the session itself can lift, so the rights alone have to refuse.
  const writing = 'SET default_transaction_read_only = off; SELECT 1/count(*) FROM palindromes;'
  for (const { sql, ok, text } of await each(site, 'developer', refused, writing)) {
    assert.ok(!ok || /WARNING: +no privileges were granted/.test(text), `${sql} was allowed: ${text}`)
    assert.match(
      text,
      /permission denied|must be owner|must be superuser|only roles with|attribute may|privileges/i,
      sql,
    )
  }
  assert.equal(await contents(), before)
  context.diagnostic(`${refused.length} statements refused`)
})

test('a session of developer is read-only from the start', async () => {
  const told = await as(site, 'developer', "INSERT INTO palindromes VALUES ('a', 'b')")
  assert.match(told.text, /read-only transaction|permission denied/)
  assert.equal((await as(site, 'developer', 'SHOW default_transaction_read_only')).text, 'on')
})

test('no role connects to another database, and the superuser cannot log in over TCP', async () => {
  for (const role of ['app', 'developer'])
    for (const database of ['postgres', 'template1'])
      assert.match((await as(site, role, 'SELECT 1', { database })).text, /no pg_hba.conf entry/)
  for (const database of ['prusa', 'postgres'])
    assert.match((await as(site, 'postgres', 'SELECT 1', { database })).text, /no pg_hba.conf entry/)
  assert.match((await as(site, 'developer', 'SELECT 1', { password: 'wrong' })).text, /authentication failed/)
})

test('app owns its database and has no rights beyond it', async () => {
  const refused = [
    "COPY palindromes TO PROGRAM 'cat'",
    "COPY palindromes FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    'SELECT rolpassword FROM pg_authid',
    'SELECT passwd FROM pg_shadow',
    'CREATE ROLE mine',
    'CREATE DATABASE mine',
    'ALTER ROLE app SUPERUSER',
    "ALTER ROLE developer PASSWORD 'mine'",
    'SET ROLE postgres',
    "ALTER SYSTEM SET log_statement = 'all'",
    'CREATE FUNCTION mine() RETURNS int LANGUAGE c AS $$libc$$, $$getpid$$',
    'GRANT pg_read_server_files TO app',
  ]
  for (const { sql, ok, text } of await each(site, 'app', refused)) {
    assert.ok(!ok && /permission denied|must be|only roles with|attribute may/i.test(text), `${sql}: ${text}`)
  }
})

testLong('03-db and 04-stack apply passwords changed in the secrets without a failed request', async () => {
  const old = { app: site.secret('db_owner_password'), developer: site.secret('db_developer_password') }
  const nasty = { app: `o'w"n\\er $HOME %41 100% @/: ü#?&+`, developer: `d'e"v\\ $1 %s @/ ü;--` }
  writeFileSync(path.join(site.folder, 'secrets/db_owner_password'), `${nasty.app}\n`)
  writeFileSync(path.join(site.folder, 'secrets/db_developer_password'), `${nasty.developer}\n`)
  await site.unnoticed(async () => {
    for (const script of ['03-db', '04-stack']) await site.must(script)
  })
  for (const role of ['app', 'developer'] as const) {
    const one = { text: '1', ok: true }
    assert.deepEqual(await as(site, role, 'SELECT 1', { password: nasty[role] }), one)
    assert.match((await as(site, role, 'SELECT 1', { password: old[role] })).text, /authentication failed/)
  }
  for (const word of ['anna', 'otto', 'kayak', 'rotor'])
    assert.equal((await site.get(`/palindrom/${word}`)).status, 200)
  const again = await site.run('03-db')
  assert.match(again.text, /Roles: app and developer: nothing to do/)
})

test('drop_db.py and create_db.py work from the image; developer reads the new table', async () => {
  const [replica] = await site.containers('app')
  await docker`docker exec ${replica} python drop_db.py`
  assert.equal(await asPostgres(site, "SELECT count(*) FROM pg_tables WHERE tablename = 'palindromes'"), '0')
  assert.equal((await site.get('/palindrom/level')).status, 503)
  assert.equal((await site.get('/')).status, 200)
  await docker`docker exec ${replica} python create_db.py`
  assert.equal((await site.get('/palindrom/level')).status, 200)
  assert.equal((await as(site, 'developer', 'SELECT text FROM palindromes')).text, 'level')
})

/** Everything that a developer could have changed, as text. */
function contents(): Promise<string> {
  return asPostgres(
    site,
    `SELECT (SELECT count(*) FROM palindromes), (SELECT count(*) FROM tomorrow), (SELECT count(*) FROM later.one),
       (SELECT last_value FROM tomorrow_n_seq), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_roles),
       (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_largeobject_metadata)`,
  )
}
