/** status: the facts, the screen, and the alarms, each with the command that helps. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, test } from 'node:test'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { alarmsOf } from '../../scripts/lib/status/alarms.mts'
import { screen } from '../../scripts/lib/status/screen.mts'
import { type Facts, parseFacts } from '../../scripts/lib/status/status.mts'

const stack = defaults(stackSchema)
const NOW = Date.parse('2026-11-26T12:00:00Z')

const started = (ago: number) => ({ StartedAt: new Date(NOW - ago).toISOString() })

const container = (service: string, number: number, more: object = {}, restarts = 0) =>
  `container\t${JSON.stringify({
    Id: `${service}${number}`,
    Name: `/prusa-${service}-${number}`,
    RestartCount: restarts,
    State: {
      Running: true,
      Restarting: false,
      StartedAt: '2026-11-26T10:00:00Z',
      FinishedAt: '2026-11-26T11:59:00Z',
      ExitCode: 0,
      ...more,
    },
    Image: 'prusa/app:9dbc',
    Labels: { 'com.docker.compose.service': service, 'prusa.target': '9dbc-01234567' },
    NetworkSettings: { Networks: { prusa_frontend: { IPAddress: `10.0.0.${number}` } } },
  })}`

const LINES = [
  `now\t${NOW}`,
  ...['balancer', 'db', 'dbport', 'lb', 'redis'].map((service) => container(service, 1)),
  container('app', 1),
  container('app', 2),
  'usage\tprusa-app-1\t50000000\t1000000000\t1000',
  'usage\tprusa-app-1\t60000000\t1100000000\t1500',
  'place\tapp1\t10.0.0.1\t2\t100\t3\t10\t0\tLayer7 check passed 200',
  'place\tapp2\t10.0.0.2\t2\t100\t0\t10\t0\tLayer7 check passed 200',
  'traffic\t3000\t3\t0.004\t0.019\t300\t1',
  'database\t8000000\t7\t100\t12\t4711\tapp\tactive',
  'redis\t1500000\t3',
  'disk\t50000000000\t100000000000\t/',
  'memory\t2000000000\t4000000000',
  `history\t${JSON.stringify({ when: '2026-11-26T10:00:00Z', who: 'carl', from: 'aaaa', to: '9dbc', toTarget: '9dbc-01234567', result: 'released', requests: 278, failed: 0, slowestMs: 41, seconds: 13.9, schemaChanged: false })}`,
  'replicas\t2',
  'mode\tdebian',
  'secrets\t0123',
  'revision\t9dbc-01234567\t0123456789abcdef0123456789abcdef01234567',
]

/** The facts with some lines in place of those that begin alike, or besides. */
function facts(...others: string[]): Facts {
  const replaced = (line: string) => others.some((other) => other.startsWith(line.split('\t')[0] as string))
  return parseFacts(stack, [...LINES.filter((line) => !replaced(line)), ...others].join('\n'))
}
const alarms = (found: Facts) =>
  alarmsOf(stack, found, NOW).map(({ what, next, grave }) => `${grave ? '' : '! '}${what} | ${next}`)

const ending = (days: number) => ({
  fingerprint: '',
  selfSigned: true,
  issuer: '',
  ends: NOW + days * 86_400_000 + 1000,
  ocsp: false,
})

test('parseFacts reads the output of the script', () => {
  const { containers, replicas, database, traffic } = facts()
  const app = containers.find(({ name }) => name === 'prusa-app-1')
  assert.deepEqual([app?.memory, app?.cpu, app?.age], [60_000_000, 20, 7_200_000])
  assert.deepEqual(
    replicas.map(({ address }) => address),
    ['10.0.0.1', '10.0.0.2'],
  )
  assert.deepEqual(database?.longest, { seconds: 12, pid: 4711, user: 'app', state: 'active' })
  assert.deepEqual(traffic, { requests: 3000, failed: 3, p50: 0.004, p99: 0.019, seconds: 300, still: true })
  assert.deepEqual(parseFacts(stack, `now\t${NOW}\n`).containers, [])
})

test('the screen shows the facts', () => {
  const text = screen(stack, facts(), () => '')
  assert.match(text, /^release 9dbc, since 2026-11-26 10:00 UTC by carl, from commit 0123456789ab\n/)
  assert.match(text, /last rollout aaaa → 9dbc .* released in 13\.9 s; 278 requests, 0 failed, slowest 41 ms/)
  assert.match(text, /prusa-app-1 +9dbc +up 2 h 0 min +OK +0 +60 MB +20 % +yes, 3 under way +yes/)
  assert.match(text, /lb +up .* 10\.0 requests\/s, 0\.1 % failed, p50 4 ms, p99 19 ms/)
  assert.match(text, /db +up .* 8 MB, 7 of 100 connections, longest transaction 12 s/)
  const busy = screen(
    stack,
    facts('lock\tcarl@laptop since x for redeploy', 'step\tready prusa-app-3'),
    () => '',
  )
  assert.match(busy, /under way: carl@laptop since x for redeploy, now: ready prusa-app-3/)
})

test('the last backup', () => {
  const made = {
    when: '2026-11-26T03:00:04Z',
    result: 'done',
    why: 'schedule',
    tables: 3,
    rows: 1024,
    bytes: 2e6,
  }
  const told = (...lines: string[]) => screen(stack, facts(...lines), () => '').match(/^backup +(.*)$/m)?.[1]
  assert.equal(told(), undefined)
  assert.equal(told('schedule\t1795662000'), 'none yet')
  assert.equal(
    told(`backup\t${JSON.stringify(made)}`),
    '2026-11-26 03:00 UTC, 1,024 rows in 3 tables, 2.0 MB',
  )
})

describe('there is an alarm for', () => {
  test('nothing on a healthy server', () => assert.deepEqual(alarms(facts()), []))

  const rest = ['balancer', 'db', 'dbport', 'lb'].map((service) => container(service, 1))
  const apps = [container('app', 1), container('app', 2)]
  const stopped = { Running: false, ExitCode: 137 }
  /** Milliseconds since it was started again. */
  const RESTARTED = 600_000
  const redis = (more: object, restarts = 0, ...others: string[]) =>
    facts(...rest, ...apps, ...others, container('redis', 1, restarts ? started(RESTARTED) : more, restarts))
  const app2 = (more: object) => container('app', 2, { Running: false, ...more })
  const oom = (ago: number) => `oom\tredis1\t${ago}`
  const letsencrypt = 'npx zx scripts/04-stack.mts'
  for (const [what, found, ...expected] of [
    [
      'a service that was stopped',
      redis(stopped),
      /^prusa-redis-1 was stopped by hand 1 min 0 s ago \(exit code 137\); it stays stopped \| npm run restart -- redis$/,
    ],
    [
      'a replica that was stopped',
      facts(...rest, container('redis', 1), container('app', 1), container('app', 2, stopped)),
      /^prusa-app-2 was stopped by hand .* \| npm run restart -- app-2$/,
    ],
    [
      'a service without a container',
      facts(...rest, ...apps),
      /^There is no container of redis \| npm run deploy$/,
    ],
    [
      'a replica that was removed',
      facts('replicas\t3'),
      /^Replicas are missing: there is only prusa-app-1 and prusa-app-2, of 3 \| npm run redeploy -- --release 9dbc$/,
    ],
    [
      'an unhealthy service',
      redis({ Health: { Status: 'unhealthy' } }),
      /^prusa-redis-1 runs, but fails its health check .* npm run restart -- redis$/,
    ],
    ['a paused service', redis({ Paused: true }), /^prusa-redis-1 is paused \| npm run restart -- redis$/],
    [
      'a service that the engine cannot start',
      redis({ ...stopped, Error: 'driver failed: port is already allocated' }),
      /^prusa-redis-1 could not be started: driver failed: port is already allocated \| npm run restart -- redis$/,
    ],
    [
      'a crash loop',
      redis({ Running: false, Restarting: true, ExitCode: 3 }),
      /crashes again and again, the last time with exit code 3 \| npm run logs -- redis$/,
    ],
    [
      'a crash loop, while the container runs for a moment',
      facts(...rest, ...apps, container('redis', 1, started(2000), 4)),
      /^prusa-redis-1 crashes again and again, the last time 2\.0 s ago \| npm run logs -- redis$/,
    ],
    [
      'a crash loop for lack of memory',
      facts(...rest, container('redis', 1), container('app', 1), app2({ Restarting: true, OOMKilled: true })),
      /^prusa-app-2 crashes again and again, the last time killed for memory, since it needed more than its limit \| app\.memory in .* npm run redeploy$/,
    ],
    [
      'a crash',
      redis({}, 1),
      /^! prusa-redis-1 has crashed, .* \(1 time in all\) \| npm run logs -- redis --errors$/,
    ],
    [
      'a crash for lack of memory, by the kernel’s log',
      redis({}, 1, oom(RESTARTED)),
      /^prusa-redis-1 was killed for memory 10 min 0 s ago \(1 time in all\): it needed more than its limit \| npm run logs -- redis$/,
    ],
    [
      'a crash long after a kill by the kernel',
      redis({}, 1, oom(RESTARTED + 600_000)),
      /^! prusa-redis-1 has crashed/,
    ],
    [
      'a replica that is down for the balancer',
      facts(
        'place\tapp1\t10.0.0.1\t0\t100\t0\t0\t0\tLayer7 timeout',
        'place\tapp2\t10.0.0.2\t2\t100\t0\t0\t0\t',
      ),
      /^prusa-app-1 gets no requests: Layer7 timeout \| npm run logs -- app-1, then: npm run restart -- app-1$/,
    ],
    [
      'a replica in a crash loop, which runs by what the engine says',
      facts(...rest, container('redis', 1), container('app', 1), app2({ Running: true, Restarting: true })),
      /^prusa-app-2 crashes again and again/,
    ],
    [
      'a replica that the balancer does not find',
      facts('place\tapp1\t10.0.0.1\t2\t100\t0\t0\t0\t'),
      /^prusa-app-2 runs, but gets no requests: the balancer does not find it \| npm run restart -- app-2$/,
    ],
    [
      'a replica that a rollout has left without requests',
      facts('place\tapp1\t10.0.0.1\t2\t100\t0\t0\t0\t', 'place\tapp2\t10.0.0.2\t2\t0\t0\t0\t0\t'),
      /^prusa-app-2 runs, but gets no requests: a rollout was interrupted \| npm run redeploy$/,
    ],
    [
      'a site without a healthy replica',
      facts('place\tapp1\t10.0.0.1\t0\t100\t0\t0\t0\tx', 'place\tapp2\t10.0.0.2\t0\t100\t0\t0\t0\ty'),
      /^No replica gets requests: .* 503 \| npm run logs/,
      /^prusa-app-1 gets no requests: x \| /,
      /^prusa-app-2 gets no requests: y \| /,
    ],
    [
      'a site without a running replica',
      facts(...rest, container('redis', 1), container('app', 1, stopped), container('app', 2, stopped)),
      /^prusa-app-1 was stopped/,
      /^prusa-app-2 was stopped/,
      /^No replica runs: the site answers 503 \| npm run restart$/,
    ],
    [
      'a balancer that was stopped, but not for its consequences',
      {
        ...facts(...rest.slice(1), container('redis', 1), container('balancer', 1, stopped), ...apps),
        places: [],
      },
      /^prusa-balancer-1 was stopped by hand .* \| npm run restart -- balancer$/,
    ],
    [
      'failing requests',
      facts('traffic\t1000\t20\t0.1\t1\t300\t1'),
      /^2 % of the requests .*20 of 1000 \| npm run logs/,
    ],
    [
      'a long transaction',
      facts('database\t1\t1\t100\t900\t4711\tdeveloper\tidle in transaction'),
      /^A transaction of developer has been open for 15 min 0 s \(idle in transaction\) \| .*pg_terminate_backend\(4711\)/,
    ],
    ['nothing when requests failed earlier', facts('traffic\t1000\t20\t0.1\t1\t300\t0')],
    ['a database with few free connections', facts('database\t1\t90\t100\t\t\t\t'), /^90 of 100 connections/],
    [
      'a silent database',
      facts('database'),
      /^The database does not answer \| npm run logs -- db, then: npm run restart -- db$/,
    ],
    ['a silent Redis', facts('redis'), /^Redis does not answer \| .*npm run restart -- redis$/],
    [
      'a full disk',
      facts(
        'disk\t1000000000\t100000000000\t/var',
        'takes\t60000000000\t/var/log/big',
        'takes\t2e9\tbackups',
      ),
      /^The server’s disk \(\/var\) has 1\.0 GB of 100 GB left; \/var\/log\/big 60\.0 GB, backups 2\.0 GB \| /,
    ],
    [
      'a disk that can hold no more files',
      facts('inodes\t3\t1000'),
      /^The server’s disk \(.*\) can hold 3 more files of 1000 \(inodes\) \| /,
    ],
    ['little memory', facts('memory\t10000000\t4000000000'), /^The server has 10 MB of memory left/],
    [
      'killed processes',
      facts('killed\tprusa-app-1\t2'),
      /^! The kernel killed processes of prusa-app-1.* \| app\.memory in .* npm run redeploy$/,
    ],
    [
      'a backup that failed',
      facts(`backup\t${JSON.stringify({ result: 'failed', why: 'schedule', error: 'one\ntwo' })}`),
      /^The last backup \(schedule\) failed: two \| npm run backup$/,
    ],
    [
      'no backup although there is a schedule',
      facts(`schedule\t${NOW / 1000 - 27 * 3600}`),
      /^No backup was made for 27 h 0 min \| npm run backup, then: npm run deploy$/,
    ],
    [
      'maintenance',
      facts(`maintenance\tcarl\t${NOW / 1000 - 60}`),
      /^Maintenance has been on .*by carl.* -- off$/,
    ],
    [
      'a certificate that expires soon',
      { ...facts(), certificate: ending(3) },
      new RegExp(`^The certificate expires in 3 days \\| ${letsencrypt}$`),
    ],
    [
      'a certificate that has expired',
      { ...facts(), certificate: ending(-1) },
      new RegExp(`^The certificate has expired \\| ${letsencrypt}$`),
    ],
    [
      'a renewal that fails',
      { ...facts('renewal\tit failed at 2026-11-26 09:00 UTC'), certificate: ending(20) },
      new RegExp(`^The certificate is not renewed automatically: it failed at .* UTC \\| ${letsencrypt}$`),
    ],
    [
      'an interrupted rollout',
      facts(
        `begun\t${JSON.stringify({ when: 'x', who: 'carl', from: 'a', to: 'b', result: 'unfinished', seconds: 0 })}`,
      ),
      /^The rollout of b by carl was interrupted \| npm run redeploy finishes it/,
    ],
  ] as [string, Facts, ...RegExp[]][])
    test(what, () => {
      const told = alarms(found)
      for (const [index, one] of expected.entries()) assert.match(told[index] ?? '', one)
      assert.equal(told.length, expected.length, told.join('\n'))
    })

  test('the operator’s own certificate, which the operator must replace', () => {
    const own = { ...stack, tls: 'files' as const, tls_files: { certificate: 'site.pem', key: 'site.key' } }
    const [told] = alarmsOf(own, { ...facts(), certificate: ending(3) }, NOW)
    assert.match(told?.next ?? '', /^put a new pair at site\.pem, then: npx zx scripts\/04-stack\.mts$/)
  })

  test('grave things first', () => {
    const found = facts('killed\tprusa-app-1\t2', 'memory\t10000000\t4000000000')
    assert.deepEqual(
      alarmsOf(stack, found, NOW).map(({ grave }) => grave),
      [true, false],
    )
  })

  test('no replica that starts or stops during a run', () => {
    const found = facts(
      ...rest,
      container('redis', 1),
      container('app', 1),
      container('app', 2, stopped),
      'lock\tcarl',
    )
    assert.deepEqual(alarms(found), [])
    // Neither a service that the first deploy has not started yet.
    assert.deepEqual(alarms(facts(...rest, ...apps, 'lock\tcarl')), [])
  })
})

test('traffic.pl sums up the load balancer’s log; the maintenance page is no failure', () => {
  const line = (msec: number, status: number, seconds: number, asked = '10.0.0.1:5000') =>
    `{"msec":${msec},"uri":"/","status":${status},"seconds":${seconds},"upstream_status":"${asked && status}"}\n`
  const input = [
    ...Array.from({ length: 98 }, (_, index) => line(1000 + index, 200, 0.001)),
    line(1200, 502, 2),
    line(1300, 503, 0, ''),
    'not JSON\n',
  ].join('')
  const program = path.join(ROOT, 'scripts/remote/traffic.pl')
  const run = (text: string, lines = 1000) => {
    const words = [program, 'sum', String(lines), String(Math.floor(Date.now() / 1000) - 300)]
    return spawnSync('perl', words, { input: text, encoding: 'utf8' }).stdout
  }
  const [requests, failed, p50, p99, seconds = 0, still] = run(input).trim().split('\t').map(Number)
  assert.deepEqual([requests, failed, p50, p99, still], [100, 1, 0.001, 2, 0])
  assert.ok(seconds >= 300 && seconds < 400, `${seconds} s`)
  // Whoever is asked seldom fails still when the last answer was a failure; anybody who has failed just now.
  const now = Date.now() / 1000
  for (const [lines, fails] of [
    [line(now - 100, 500, 1), '1'],
    [line(now - 100, 500, 1) + line(now, 200, 1), '0'],
    [line(now - 1, 500, 1) + line(now, 200, 1), '1'],
  ] as const)
    assert.equal(run(lines).trim().split('\t').at(-1), fails)
  // A log that was cut at the front says itself when it begins.
  assert.match(run(line(Date.now() / 1000 - 1000, 200, 1), 1), /^1\t0\t1\t1\t10\d\d\t0\n$/)
  assert.match(run(''), /^0\t0\t0\t0\t3\d\d\t0\n$/)
})
