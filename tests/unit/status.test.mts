/** status: the facts and the screen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { screen, shown } from '../../scripts/lib/status/screen.mts'
import { type Facts, parseFacts } from '../../scripts/lib/status/status.mts'
import { facts, NOW, stack } from '../lib/status.mts'

const screenOf = (found: Facts) => screen(shown(stack, found, () => ''))

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
  const text = screenOf(facts())
  assert.match(text, /^release 9dbc, since 2026-11-26 10:00 UTC by carl, from commit 0123456789ab\n/)
  assert.match(text, /last rollout aaaa → 9dbc .* released in 13\.9 s; 278 requests, 0 failed, slowest 41 ms/)
  assert.match(text, /prusa-app-1 +9dbc +up 2 h 0 min +OK +0 +60 MB +20 % +yes, 3 under way +yes/)
  assert.match(text, /lb +up .* 10\.0 requests\/s, 0\.1 % failed, p50 4 ms, p99 19 ms/)
  assert.match(text, /db +up .* 8 MB, 7 of 100 connections, longest transaction 12 s/)
  const busy = screenOf(facts('lock\tcarl@laptop since x for redeploy', 'step\tready prusa-app-3'))
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
  const told = (...lines: string[]) => screenOf(facts(...lines)).match(/^backup +(.*)$/m)?.[1]
  assert.equal(told(), undefined)
  assert.equal(told('schedule\t1795662000'), 'none yet')
  assert.equal(
    told(`backup\t${JSON.stringify(made)}`),
    '2026-11-26 03:00 UTC, 1,024 rows in 3 tables, 2.0 MB',
  )
})
