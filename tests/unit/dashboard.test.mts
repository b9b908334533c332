/** The dashboard without a server: what it makes of the lines that the server prints. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Board } from '../../scripts/lib/dashboard/board.mts'
import { looking } from '../../scripts/lib/dashboard/feed.mts'
import { parseLook } from '../../scripts/lib/dashboard/look.mts'
import { partsOf } from '../../scripts/lib/dashboard/parts.mts'
import { follow, type Track } from '../../scripts/lib/dashboard/tracks.mts'
import { until } from '../lib/until.mts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const iso = (at: number) => new Date(at).toISOString()

const replica = (number: number, { started = NOW - 60_000, target = 'old-1', running = true } = {}) =>
  [
    'replica',
    `id${number}`,
    `/prusa-app-${number}`,
    `prusa/app:${target.slice(0, -2)}`,
    running,
    iso(started),
    running ? `10.0.0.${number}` : '',
    target,
    '',
  ].join('\t')
const place = (number: number, up: boolean, weight: number) =>
  `place\tapp${number}\t10.0.0.${number}\t${up ? 2 : 0}\t${weight}\t0\t10\t0\t`
const BEGUN = `begun\t${JSON.stringify({ when: iso(NOW), from: 'old', to: 'new', fromTarget: 'old-1', toTarget: 'new-1', result: 'unfinished' })}`

describe('a look', () => {
  test('steps go on from the first line that names them to the next that does not', () => {
    const look = parseLook([
      `now\t${NOW + 9000}`,
      'lock\tcarl@laptop since x for redeploy',
      `step\t${NOW}\tstart 1 replica of new`,
      `step\t${NOW + 1000}\tready prusa-app-3, prusa-app-4, drain prusa-app-1`,
      `step\t${NOW + 3000}\tdrain prusa-app-1`,
      `step\t${NOW + 4000}\tbetween two steps`,
      `step\t${NOW + 5000}\tswap prusa-app-3, prusa-app-4 in`,
    ])
    assert.deepEqual(
      look.steps.map(({ kind, names, from, to }) => [kind, names, from - NOW, to - NOW]),
      [
        ['start', '1 replica of new', 0, 1000],
        ['ready', 'prusa-app-3, prusa-app-4', 1000, 3000],
        ['drain', 'prusa-app-1', 1000, 4000],
        ['swap', 'prusa-app-3, prusa-app-4 in', 5000, 9000],
      ],
    )
    assert.equal(look.lock, 'carl@laptop since x for redeploy')
  })

  test('a server on which nothing is deployed', () => {
    const { replicas, places, steps, lock, begun } = parseLook([`now\t${NOW}`])
    assert.deepEqual(
      { replicas, places, steps, lock, begun },
      { replicas: [], places: [], steps: [], lock: '', begun: undefined },
    )
  })
})

test('looks go on while a run holds the lock and has told no step yet', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  writeFileSync(path.join(folder, 'lock.holder'), 'carl@laptop since x for deploy\n')
  const { text } = looking({ ...defaults(stackSchema), folder, project: 'prusatestnobodys' })
  const script = `set -euo pipefail\nexec 9>>${folder}/lock; flock 9\n(exec 9>&-\n${text})`
  const child = spawn('bash', ['-c', script], { detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (data) => {
    told += data
  })
  const looks = () => told.split('lock\tcarl@laptop since x for deploy\nend\n').length - 1
  await until('it has looked twice', () => looks() > 1 || child.exitCode !== null)
  assert.ok(looks() > 1, told)
  child.stdin.end()
  await once(child, 'close')
  rmSync(folder, { recursive: true })
})

describe('the lane of a replica', () => {
  /** The states after these looks, a second between two of them. */
  function states(number: number, ...looks: string[][]): string[] {
    const tracks = new Map<string, Track>()
    for (const [second, lines] of looks.entries())
      follow(tracks, parseLook([`now\t${NOW + second * 1000}`, ...lines]), 120)
    return tracks.get(`id${number}`)?.turns.map(({ state }) => state) ?? []
  }
  const fresh = replica(3, { started: NOW, target: 'new-1' })

  test('a fresh one warms up, waits for its turn, serves', () =>
    assert.deepEqual(
      states(
        3,
        [BEGUN, fresh],
        [BEGUN, fresh, place(3, false, 0)],
        [BEGUN, fresh, place(3, true, 0)],
        [BEGUN, fresh, place(3, true, 25)],
      ),
      ['warming', 'serving'],
    ))
  test('an old one serves, drains and is gone', () =>
    assert.deepEqual(
      states(1, [BEGUN, replica(1), place(1, true, 100)], [BEGUN, replica(1), place(1, true, 0)], [BEGUN]),
      ['serving', 'draining', 'gone'],
    ))
  test('a page that is opened in the middle knows an old one that drains from a fresh one that waits', () => {
    const look = [BEGUN, replica(1), fresh, place(1, true, 0), place(3, true, 0)]
    assert.deepEqual([states(1, look), states(3, look)], [['draining'], ['warming']])
  })
  test('the same release again: the container’s age tells', () => {
    const again = BEGUN.replace('new-1', 'old-1')
    const look = [again, replica(1), replica(3, { started: NOW + 500 }), place(1, true, 0), place(3, true, 0)]
    assert.deepEqual([states(1, look), states(3, look)], [['draining'], ['warming']])
  })
  test('one that hangs is down, one that crashes comes back', () => {
    assert.deepEqual(states(1, [replica(1), place(1, true, 100)], [replica(1), place(1, false, 100)]), [
      'serving',
      'down',
    ])
    const back = replica(1, { started: NOW + 1000 })
    assert.deepEqual(
      states(
        1,
        [replica(1), place(1, true, 100)],
        [replica(1, { running: false })],
        [back, place(1, false, 100)],
        [back, place(1, true, 100)],
      ),
      ['serving', 'down', 'warming', 'serving'],
    )
  })
})

describe('the board', () => {
  const board = new Board(defaults(stackSchema))
  board.takeLook([
    `now\t${NOW}`,
    'lock\tcarl@laptop since x for <redeploy>',
    `step\t${NOW - 1000}\tready prusa-app-1`,
    replica(1),
    place(1, true, 100),
  ])
  for (const line of [
    `${NOW / 1000 - 9}\tall\t20\t1\t4\t19`,
    `${NOW / 1000 - 9}\tprusa-app-1\t18\t0\t4\t19`,
    `${NOW / 1000 - 9}\t\t1\t1\t4\t9`,
  ])
    board.takeSecond(line)

  test('charts of all, of each replica, and of what none answered; with units', () => {
    const { charts = '' } = partsOf(board, 'x')
    assert.deepEqual(
      [...charts.matchAll(/<th scope="row">([^<]*)/g)].map(([, name]) => name),
      ['all', 'app-1', 'no replica'],
    )
    assert.match(charts, /requests\/s \(0 to 20\)/)
    assert.match(charts, /p50 4 ms, p99 19 ms/)
    assert.match(charts, /class="bad">1 in 5 min/)
  })
  test('who changes the server, and the step that goes on; nothing of it is HTML', () =>
    assert.equal(
      partsOf(board, 'x').underway,
      '<p>Under way: carl@laptop since x for &lt;redeploy&gt;. Now: ready prusa-app-1</p>',
    ))
  test('lines that came late belong to their second', () => {
    board.takeSecond(`${NOW / 1000 - 9}\tprusa-app-1\t2\t1\t7\t8`)
    assert.deepEqual(board.seconds.get('prusa-app-1'), [
      { at: NOW - 9000, requests: 20, failed: 1, p50: 7, p99: 19 },
    ])
  })
  test('what is older than the charts is forgotten, and a rollout that has ended is not', () => {
    board.takeLook([`now\t${NOW + 200_000}`])
    assert.deepEqual([board.steps.length, board.seconds.size, board.tracks.size], [1, 3, 1])
    board.takeLook([`now\t${NOW + 600_000}`])
    assert.deepEqual([board.steps.length, board.seconds.size, board.tracks.size], [0, 0, 0])
  })
  test('why there is no news, since when, and what helps, until there is some', () => {
    board.lose('ssh: no way\nmore <words>', 'npm run x')
    assert.match(
      partsOf(board, 'srv').link ?? '',
      /No news from srv since .*: ssh: no way<\/p><pre>more &lt;words&gt;<\/pre><p>Next: <code>npm run x</,
    )
    board.takeLook([`now\t${NOW}`])
    assert.doesNotMatch(partsOf(board, 'srv').link ?? '', /No news/)
  })
})

test('the page’s program and look are whole without anything from elsewhere', () => {
  for (const file of ['dashboard/client.js', 'page/page.css'])
    assert.doesNotMatch(readFileSync(path.join(ROOT, 'scripts/lib', file), 'utf8'), /https?:|@import|url\(/)
})
