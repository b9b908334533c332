/** The load balancer's log: its sum, and what was asked of each replica in each second. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'

const program = path.join(ROOT, 'scripts/remote/traffic.pl')

test('traffic.pl sums up the load balancer’s log; the maintenance page is no failure', () => {
  const line = (msec: number, status: number, seconds: number, asked = '10.0.0.1:5000') =>
    `{"msec":${msec},"uri":"/","status":${status},"seconds":${seconds},"upstream_status":"${asked && status}"}\n`
  const input = [
    ...Array.from({ length: 98 }, (_, index) => line(1000 + index, 200, 0.001)),
    line(1200, 502, 2),
    line(1300, 503, 0, ''),
    'not JSON\n',
  ].join('')
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

test('traffic.pl counts second by second and replica by replica', () => {
  const line = (msec: number, status: number, seconds: number, name: string, upstream = String(status)) =>
    JSON.stringify({ msec, status, seconds, replica: name, upstream_status: upstream })
  const log = [
    line(100.1, 200, 0.004, 'app-1'),
    line(100.9, 200, 0.006, 'app-1'),
    line(100.5, 502, 0.1, 'app-2'),
    'no JSON',
    line(101.5, 503, 0, '', ''), // maintenance
    line(101.6, 503, 0, '', '503'), // nobody can answer
    line(101.7, 101, 3600, 'app-1'), // a WebSocket that ended
  ]
  const { stdout } = spawnSync('perl', [program, 'seconds'], {
    input: `${log.join('\n')}\n`,
    encoding: 'utf8',
  })
  assert.deepEqual(stdout.trim().split('\n'), [
    '100\tall\t3\t1\t6\t100',
    '100\tapp-1\t2\t0\t6\t6',
    '100\tapp-2\t1\t1\t100\t100',
    '101\t\t2\t1\t0\t0',
    '101\tall\t2\t1\t0\t0',
  ])
})
