/** Log lines of the containers: logs.pl selects them on the server, and `readable` shortens them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { type Line, moment, ordered, parseLine, readable, spanOf } from '../../scripts/lib/stack/logs.mts'

const AT = '2026-11-26T00:41:04.123456789Z'

/** The lines that logs.pl selects. */
function wanted(service: string, lines: string[], errors = '', ...words: string[]): string[] {
  const program = path.join(ROOT, 'scripts/remote/logs.pl')
  const input = lines.map((line) => `${AT} ${line}\n`).join('')
  const { stdout, stderr } = spawnSync('perl', [program, 'prusa-x-1', service, errors, ...words], {
    input,
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  const prefix = `prusa-x-1\t${service}\t${AT} `
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      assert.ok(line.startsWith(prefix), line)
      return line.slice(prefix.length)
    })
}

describe('logs.pl selects', () => {
  const own = [
    '2026-11-26T00:41:04.123+00:00 GET /status 200 0.2ms id=-',
    '2026-11-26T00:41:04.123+00:00 GET /ready-for-deploy 200 0.2ms id=-',
    '10.0.0.3 - - [26/Nov/2026] "GET /status HTTP/1.1" 200 -',
  ]
  const users = '2026-11-26T00:41:04.123+00:00 GET /status 200 0.2ms id=0f3a'
  test('requests of users, not the checks of the balancer', () =>
    assert.deepEqual(wanted('app', [...own, users, 'GET /statuses 200']), [users, 'GET /statuses 200']))

  const trace = [
    'Traceback (most recent call last):',
    '  File "/app/app.py", line 3, in page',
    '    1 / 0',
    'ZeroDivisionError: division by zero',
  ]
  test('errors of a replica: whole tracebacks and 5xx', () =>
    assert.deepEqual(
      wanted('app', ['one', ...trace, 'two', 'GET /a 503 1.0ms id=1', 'GET /5/500 200 1.0ms id=1'], 'yes'),
      [...trace, 'GET /a 503 1.0ms id=1'],
    ))
  test('errors of the other services', () => {
    const lb = ['{"status":200,"uri":"/500"}', '{"status":502,"uri":"/"}']
    assert.deepEqual(wanted('lb', lb, 'yes'), [lb[1]])
    const balancer = ['Server app/app1 is UP', 'Server app/app1 is DOWN, reason: x', '{"status":-1}']
    assert.deepEqual(wanted('balancer', balancer, 'yes'), balancer.slice(1))
    const db = ['x UTC [1] LOG:  ready', 'x UTC [2] ERROR:  no table', 'x UTC [2] STATEMENT:  SELECT']
    assert.deepEqual(wanted('db', db, 'yes'), [db[1]])
    assert.deepEqual(wanted('redis', ['1:M * Ready', '1:M # Out of memory'], 'yes'), ['1:M # Out of memory'])
  })
  test('a change of a replica’s state once, though HAProxy writes it to its log and to standard error', () => {
    const [state, none] = ['Server app/app1 is DOWN, reason: x.', 'proxy app has no server available!']
    const twice = [`[WARNING]  (11) : ${state}`, state, `[ALERT]    (11) : ${none}`, none]
    assert.deepEqual(wanted('balancer', [...twice, '[NOTICE]   (8) : Loading success.']), [
      state,
      none,
      '[NOTICE]   (8) : Loading success.',
    ])
  })
  test('events of a container as errors of every service', () =>
    assert.deepEqual(wanted('redis', ['\u0001stopped, exit code 137'], 'yes'), [
      '\u0001stopped, exit code 137',
    ]))
  test('lines with every word, in upper or lower case', () =>
    assert.deepEqual(wanted('lb', ['a GET b', 'get', 'B'], '', 'Get', 'B'), ['a GET b']))
})

function line(service: string, text: string): Line {
  const parsed = parseLine('prusa', `prusa-${service}-1\t${service}\t${AT} ${text}`)
  assert.ok(parsed)
  return parsed
}

test('a line of nginx becomes readable', () => {
  const text =
    '{"time":"2026-11-26T00:41:04+00:00","client":"10.0.0.1","method":"GET","uri":"/palindrom/abba","status":200,"seconds":0.004,"replica":"prusa-app-3","release":"9dbc2df83e50"}'
  assert.equal(readable(line('lb', text)), '200 GET /palindrom/abba 0.004 s prusa-app-3 9dbc2df83e50')
  const none = text.replace('prusa-app-3', '').replace('9dbc2df83e50', '')
  assert.equal(readable(line('lb', none)), '200 GET /palindrom/abba 0.004 s no replica')
  assert.equal(readable(line('lb', '{"cut')), '{"cut')
})

test('a line of HAProxy becomes readable; its plain text stays', () => {
  const text =
    '{"time":"x","id":"1","method":"GET","page":"/","status":503,"reason":"no replica","retries":3,"milliseconds":1204,"replica":null,"error":""}'
  assert.equal(readable(line('balancer', text)), '503 GET / 1.204 s no replica')
  assert.equal(readable(line('balancer', 'Server app/app1 is UP')), 'Server app/app1 is UP')
})

test('a line has its time once, and no password', () => {
  const times = [
    '2026-11-26T00:41:04.123+00:00 ready',
    '2026-11-26 00:41:04.123 UTC ready',
    '[2026-11-26 00:41:04 +0000] ready',
    'ready',
  ]
  for (const text of times) assert.match(readable(line('app', text)), /^(\+0000\] )?ready$/)
  assert.equal(moment(line('app', 'x')), '11-26 00:41:04.123')
  assert.equal(line('app', 'postgresql://app:secret@db/prusa').text, 'postgresql://app:***@db/prusa')
})

test('the container’s name, an event of it, and an empty line', () => {
  assert.equal(line('app', 'x').container, 'app-1')
  assert.equal(line('redis', 'x').container, 'redis')
  const fate = line('app', '\u0001removed: a replica of release 9dbc')
  assert.deepEqual([fate.fate, readable(fate)], [true, '— removed: a replica of release 9dbc'])
  assert.equal(parseLine('prusa', ''), undefined)
})

test('the order of time, and the last lines of each service', () => {
  const at = (service: string, second: number): Line => ({
    ...line(service, 'x'),
    at: `2026-11-26T00:00:0${second}Z`,
  })
  const [a1, b2, a3, a4] = [at('app', 1), at('db', 2), at('app', 3), at('app', 4)]
  assert.deepEqual(ordered([a4, a3, b2, a1]), [a1, b2, a3, a4])
  assert.deepEqual(ordered([a4, a3, b2, a1], 2), [b2, a3, a4])
})

test('spans of time', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['10m', 600],
    ['1h30m', 5400],
    ['2d', 172_800],
    ['10', undefined],
    ['m', undefined],
    ['', undefined],
    ['yesterday', undefined],
  ] as const)
    assert.equal(spanOf(text), seconds, text)
})
