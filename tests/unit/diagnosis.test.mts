/** Why a replica is not ready, judged by what was seen of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CommandError } from '../../scripts/lib/cli/errors.mts'
import { type Listener, parseListeners } from '../../scripts/lib/host/listener.mts'
import { isMisplaced, reasonOf, type Seen, whyUnprepared } from '../../scripts/lib/stack/diagnosis.mts'
import { told } from '../lib/refusal.mts'

const listener = (address: string, port: number, status = 0, body = ''): Listener => ({
  address,
  port,
  status,
  body,
})
const seen = (some: Partial<Seen>): Seen => ({
  name: 'app-3',
  address: '172.18.0.5',
  crashes: false,
  exitCode: undefined,
  restarts: 0,
  outOfMemory: false,
  listeners: [],
  answered: 'nothing',
  log: '',
  ...some,
})
const crashed = (log: string, some: Partial<Seen> = {}) =>
  seen({ crashes: true, exitCode: 1, restarts: 2, log, ...some })

describe('listeners of /proc/net/tcp', () => {
  const sockets: [hex: string, address: string, port: number][] = [
    ['0100007F:1388', '127.0.0.1', 5000],
    ['00000000:1F40', '0.0.0.0', 8000],
    ['050012AC:1388', '172.18.0.5', 5000],
    ['00000000000000000000000000000000:1388', '::', 5000],
    ['00000000000000000000000001000000:1388', '::1', 5000],
    ['0000000000000000FFFF00000100007F:1388', '::ffff:7f00:1', 5000],
    ['B80D0120000000000000000001000000:0050', '2001:db8::1', 80],
  ]
  for (const [hex, address, port] of sockets)
    test(hex, () => assert.deepEqual(parseListeners(`${hex}\t000\t\n`), [listener(address, port)]))
  test('have the answer to /status, also one that contains tabs', () =>
    assert.deepEqual(parseListeners('0100007F:1388\t404\tNot ready \n0100007F:1389\t200\t\n'), [
      listener('127.0.0.1', 5000, 404, 'Not ready'),
      listener('127.0.0.1', 5001, 200, ''),
    ]))
  test('may be none', () => assert.deepEqual(parseListeners(''), []))
})

describe('a replica is misplaced', () => {
  const vain = (...listeners: Listener[]) => isMisplaced(seen({ listeners }))
  test('if it answers by the contract at the wrong address or port', () => {
    assert.ok(vain(listener('127.0.0.1', 5000, 404, 'Not ready')))
    assert.ok(vain(listener('127.0.0.1', 5000, 200, 'OK')))
    assert.ok(vain(listener('0.0.0.0', 8000, 200, 'OK'), listener('0.0.0.0', 9000, 200, 'metrics')))
    assert.ok(vain(listener('172.19.0.3', 5000, 200, 'OK')), 'another network’s address')
  })
  test('but not if something else or nothing answers, or if it also listens at the right place', () => {
    assert.ok(!vain())
    assert.ok(!vain(listener('0.0.0.0', 9000, 200, 'metrics')))
    assert.ok(!vain(listener('127.0.0.1', 5000, 404, 'Not found')))
    assert.ok(!vain(listener('0.0.0.0', 5000), listener('127.0.0.1', 5001, 200, 'OK')))
    assert.ok(!vain(listener('::', 5000), listener('127.0.0.1', 5001, 200, 'OK')))
    assert.ok(!vain(listener('172.18.0.5', 5000), listener('127.0.0.1', 5001, 200, 'OK')))
  })
})

const TRACEBACK = 'Traceback (most recent call last):\n  File "/app/app.py", line 3, in <module>\n'
const REFUSED =
  'connection to server at "db" (172.19.0.2), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?'

describe('the reason', () => {
  const reasons: [what: string, seen: Seen, reason: RegExp, next: RegExp][] = [
    ['a crash', crashed('no such luck'), /^app-3 crashes \(exit code 1, restarted 2 times\)$/, /^Correct/],
    [
      'a crash with an unknown exit code',
      crashed('', { exitCode: undefined }),
      /^app-3 crashes \(restarted 2 times\)$/,
      /^Correct/,
    ],
    ['a normal end', crashed('', { exitCode: 0 }), /it ends by itself/, /APP_HOST/],
    ['memory', crashed('', { outOfMemory: true, exitCode: 137 }), /more memory/, /app\.memory/],
    [
      'a missing module',
      crashed(`${TRACEBACK}ModuleNotFoundError: No module named 'flask_cors'\n`),
      /: it lacks the module flask_cors \(ModuleNotFoundError/,
      /requirements\.txt/,
    ],
    [
      'a missing module, while the next crash is being logged',
      crashed(`${TRACEBACK}ModuleNotFoundError: No module named 'flask_cors'\n${TRACEBACK}`),
      /: it lacks the module flask_cors \(ModuleNotFoundError/,
      /requirements\.txt/,
    ],
    [
      'a missing library',
      crashed(`${TRACEBACK}ImportError: libpq.so.5: cannot open shared object file\n`),
      /: it cannot import what it needs \(ImportError: libpq/,
      /requirements\.txt/,
    ],
    [
      'the database',
      crashed(`${TRACEBACK}sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) ${REFUSED}\n`),
      /: it cannot reach its database \(.*Connection refused\)/,
      /npm run verify .* DATABASE_URI/,
    ],
    [
      'the last error, not an earlier one that was handled',
      crashed(`${TRACEBACK}ModuleNotFoundError: No module named 'uvloop'\n${TRACEBACK}OSError: ${REFUSED}\n`),
      /: it cannot reach its database/,
      /DATABASE_URI/,
    ],
    [
      '127.0.0.1',
      seen({ listeners: [listener('127.0.0.1', 5000)] }),
      /^app-3 listens on 127\.0\.0\.1 only/,
      /APP_HOST .* APP_PORT/,
    ],
    [
      'a port',
      seen({ listeners: [listener('::', 8000)] }),
      /^app-3 listens on port 8000, not on 5000$/,
      /APP_PORT/,
    ],
    ['no port', seen({}), /^app-3 runs and listens on no port$/, /APP_HOST/],
    [
      'no answer',
      seen({ listeners: [listener('0.0.0.0', 5000)] }),
      /^app-3 listens on 0\.0\.0\.0 port 5000 and does not answer/,
      /./,
    ],
    [
      'no database, seen in the log of a replica that is not ready',
      seen({ answered: '404 “Not ready”', log: REFUSED, listeners: [listener('0.0.0.0', 5000)] }),
      /^app-3 answers 404 “Not ready”: it cannot reach its database/,
      /DATABASE_URI/,
    ],
  ]
  for (const [what, facts, reason, next] of reasons)
    test(what, () => {
      const told = reasonOf(facts)
      assert.match(told?.what ?? '', reason)
      assert.match(told?.next ?? '', next)
    })

  for (const said of [
    'could not translate host name "postgres" to address: Name or service not known',
    "(pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on 'localhost'\")",
    'FATAL:  password authentication failed for user "app"',
    'sqlite3.OperationalError: unable to open database file',
    'The database refused: FATAL:  database "shop" does not exist',
  ])
    test(`the database: ${said}`, () =>
      assert.match(reasonOf(crashed(said))?.what ?? '', /cannot reach its database/))

  test('unknown if it listens, answers, and logs nothing about it', () =>
    assert.equal(
      reasonOf(
        seen({ answered: '404 “Not ready”', listeners: [listener('0.0.0.0', 5000)], log: 'ready soon' }),
      ),
      undefined,
    ))
})

test('the error of create_db.py has the reason, its last lines, and the next command', () => {
  const failure = new CommandError(
    'Preparing',
    1,
    `${TRACEBACK}ModuleNotFoundError: No module named 'flask_cors'`,
  )
  assert.match(
    told(whyUnprepared(failure)),
    /✗ create_db\.py fails: it lacks the module flask_cors .*\n {4}Traceback[\s\S]*Next: {2}.*requirements\.txt, then: npm run deploy/,
  )
  const other = new CommandError('Preparing', 1, 'no such luck')
  assert.equal(whyUnprepared(other), other)
})
