/** What status makes of the facts: each thing that is out of the ordinary names the command that helps. */
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

const container = (service: string, number: number, more: object = {}) =>
  `container\t${JSON.stringify({
    Id: `${service}${number}`,
    Name: `/prusa-${service}-${number}`,
    RestartCount: 0,
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
  'traffic\t3000\t3\t0.004\t0.019\t300',
  'database\t8000000\t7\t100\t12\t4711\tapp\tactive',
  'redis\t1500000\t3',
  'disk\t50000000000\t100000000000',
  'memory\t2000000000\t4000000000',
  `history\t${JSON.stringify({ when: '2026-11-26T10:00:00Z', who: 'carl', from: 'aaaa', to: '9dbc', toTarget: '9dbc-01234567', result: 'released', requests: 278, failed: 0, slowestMs: 41, seconds: 13.9, schemaChanged: false })}`,
  'mode\tdebian',
  'secrets\t0123',
  'revision\t9dbc-01234567\t0123456789abcdef0123456789abcdef01234567',
]

/** The facts with some lines in place of those that begin alike, or besides. */
function facts(...others: string[]): Facts {
  const replaced = (line: string) => others.some((other) => other.startsWith(line.split('\t')[0] as string))
  return parseFacts(stack, [...LINES.filter((line) => !replaced(line)), ...others].join('\n'))
}
const alarms = (found: Facts) => alarmsOf(stack, found, NOW).map(({ what, next }) => `${what} | ${next}`)

test('the facts', () => {
  const { containers, replicas, database, traffic } = facts()
  const app = containers.find(({ name }) => name === 'prusa-app-1')
  assert.deepEqual([app?.memory, app?.cpu, app?.age], [60_000_000, 20, 7_200_000])
  assert.deepEqual(
    replicas.map(({ address }) => address),
    ['10.0.0.1', '10.0.0.2'],
  )
  assert.deepEqual(database?.longest, { seconds: 12, pid: 4711, user: 'app', state: 'active' })
  assert.deepEqual(traffic, { requests: 3000, failed: 3, p50: 0.004, p99: 0.019, seconds: 300 })
  assert.deepEqual(parseFacts(stack, `now\t${NOW}\n`).containers, [])
})

test('the screen', () => {
  const text = screen(stack, facts(), () => '')
  assert.match(text, /^release 9dbc, since 2026-11-26 10:00 UTC by carl, from commit 0123456789ab\n/)
  assert.match(text, /last rollout aaaa → 9dbc .* released in 13\.9 s; 278 requests, 0 failed, slowest 41 ms/)
  assert.match(text, /prusa-app-1 +9dbc +up 120 min 0 s +- +0 +60 MB +20 % +yes, 3 under way +yes/)
  assert.match(text, /lb +up .* 10\.0 requests\/s, 0\.1 % failed, p50 4 ms, p99 19 ms/)
  assert.match(text, /db +up .* 8 MB, 7 of 100 connections, longest transaction 12 s/)
  const busy = screen(
    stack,
    facts('lock\tcarl@laptop since x for redeploy', 'step\tready prusa-app-3'),
    () => '',
  )
  assert.match(busy, /under way: carl@laptop since x for redeploy, now: ready prusa-app-3/)
})

describe('out of the ordinary', () => {
  test('nothing is', () => assert.deepEqual(alarms(facts()), []))

  const rest = ['balancer', 'db', 'dbport', 'lb'].map((service) => container(service, 1))
  const apps = [container('app', 1), container('app', 2)]
  const stopped = { Running: false, ExitCode: 137 }
  const redis = (more: object) => facts(...rest, ...apps, container('redis', 1, more))
  for (const [what, found, alarm] of [
    [
      'stopped',
      redis(stopped),
      /^prusa-redis-1 was stopped by hand 60\.0 s|1 min.* \| npm run restart -- redis$/,
    ],
    ['absent', facts(...rest, ...apps), /^There is no container of redis \| npm run deploy$/],
    [
      'unhealthy',
      redis({ Health: { Status: 'unhealthy' } }),
      /^prusa-redis-1 runs, but does not answer .* npm run restart -- redis$/,
    ],
    [
      'a crash loop',
      redis({ Running: false, Restarting: true }),
      /ends again and again.* \| npm run logs -- redis$/,
    ],
    [
      'a replica that the balancer finds down',
      facts(
        'place\tapp1\t10.0.0.1\t0\t100\t0\t0\t0\tLayer7 timeout',
        'place\tapp2\t10.0.0.2\t2\t100\t0\t0\t0\t',
      ),
      /^prusa-app-1 has no requests: Layer7 timeout \| npm run logs -- app-1, then: npm run restart -- app-1$/,
    ],
    [
      'no replica at all',
      facts('place\tapp1\t10.0.0.1\t0\t100\t0\t0\t0\tx'),
      /^No replica has requests: .* 503 \| /,
    ],
    [
      'failing requests',
      facts('traffic\t1000\t20\t0.1\t1\t300'),
      /^2 % of the requests .*20 of 1000 \| npm run logs/,
    ],
    [
      'a long transaction',
      facts('database\t1\t1\t100\t900\t4711\tdeveloper\tidle in transaction'),
      /^A transaction of developer is open for 15 min 0 s \(idle in transaction\) \| .*pg_terminate_backend\(4711\)/,
    ],
    ['a full database', facts('database\t1\t90\t100\t\t\t\t'), /^90 of 100 connections/],
    [
      'a silent database',
      { ...facts(), database: undefined } as unknown as Facts,
      /^The database does not answer/,
    ],
    [
      'a full disk',
      facts('disk\t1000000000\t100000000000'),
      /^The server’s disk has 1\.0 GB left of 100 \| /,
    ],
    ['little memory', facts('memory\t10000000\t4000000000'), /^The server has 10 MB of memory left/],
    ['killed processes', facts('killed\tprusa-app-1\t2'), /^The kernel killed processes of prusa-app-1/],
    ['maintenance', facts(`maintenance\tcarl\t${NOW / 1000 - 60}`), /^Maintenance is on .*by carl.* -- off$/],
    [
      'a rollout that was cut off',
      facts(
        `begun\t${JSON.stringify({ when: 'x', who: 'carl', from: 'a', to: 'b', result: 'unfinished', seconds: 0 })}`,
      ),
      /^The rollout of b by carl was cut off \| npm run redeploy finishes it/,
    ],
  ] as [string, Facts, RegExp][])
    test(what, () => {
      const [first = '', ...others] = alarms(found)
      assert.match(first, alarm)
      assert.deepEqual(others, [])
    })

  test('what is grave comes first', () => {
    const found = facts('killed\tprusa-app-1\t2', 'memory\t10000000\t4000000000')
    assert.deepEqual(
      alarmsOf(stack, found, NOW).map(({ grave }) => grave),
      [true, false],
    )
  })

  test('while somebody changes something, replicas come and go', () => {
    const found = facts(
      ...rest,
      container('redis', 1),
      container('app', 1),
      container('app', 2, stopped),
      'lock\tcarl',
    )
    assert.deepEqual(alarms(found), [])
  })
})

test('the load balancer’s log in five figures; maintenance’s own answers have not failed', () => {
  const line = (msec: number, status: number, seconds: number, asked = '10.0.0.1:5000') =>
    `{"msec":${msec},"uri":"/","status":${status},"seconds":${seconds},"upstream_status":"${asked && status}"}\n`
  const input = [
    ...Array.from({ length: 98 }, (_, index) => line(1000 + index, 200, 0.001)),
    line(1200, 502, 2),
    line(1300, 503, 0, ''),
    'not JSON\n',
  ].join('')
  const program = path.join(ROOT, 'scripts/remote/traffic.pl')
  const run = (text: string) => spawnSync('perl', [program], { input: text, encoding: 'utf8' }).stdout
  assert.equal(run(input), '100\t1\t0.001\t0.001\t300\n')
  assert.equal(run(''), '0\t0\t0\t0\t0\n')
})
