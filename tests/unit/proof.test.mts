/** The proof of a rollout, from samples, steps and the load balancer's log. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { parseTraffic } from '../../scripts/lib/edge/traffic.mts'
import { remoteText } from '../../scripts/lib/host/shell.mts'
import { replicaLanes, stepLanes } from '../../scripts/lib/proof/lanes.mts'
import { phasesOf } from '../../scripts/lib/proof/phases.mts'
import { summarize } from '../../scripts/lib/proof/probe.mts'
import { sentenceOf, titleOf } from '../../scripts/lib/proof/sentence.mts'
import { applicationsOwn, type Kind, stepsNamed, Timeline } from '../../scripts/lib/proof/timeline.mts'

const step = (kind: Kind, from: number, to: number) => ({ kind, names: '', from, to })

test('the title says what changes', () => {
  const title = (from: string, to: string, fromTarget?: string, toTarget?: string) =>
    titleOf({ from, to, fromTarget, toTarget })
  assert.equal(title('', 'b', undefined, 'b-1'), 'release b')
  assert.equal(title('a', 'b', 'a-1', 'b-1'), 'release b')
  assert.equal(title('b', 'b', 'b-1', 'b-2'), 'release b with other settings')
  assert.equal(title('b', 'b', 'b-1', 'b-1'), 'release b again')
})

test('the last line says what the probe saw, or why it did not run', () => {
  const timeline = new Timeline()
  const { began } = timeline
  timeline.steps.push(step('ready', began, began + 1000))
  const ended = { about: { from: 'a', to: 'b' }, result: 'released' as const, cut: 2, timeline }
  const sentence = (changed: Partial<Parameters<typeof sentenceOf>[0]>) =>
    sentenceOf({ ...ended, summary: summarize([]), ...changed }, began + 2000, 'the site was not up before')
  const time = "in 2.0 s (1.0 s of it the application's own warm-up and draining)"
  assert.equal(sentence({}), `0 requests, 0 failed, 2 cut off, slowest 0 ms, release a → b ${time}`)
  assert.equal(
    sentence({ summary: undefined, result: 'went back' }),
    `The probe did not run: the site was not up before. Release b was not rolled out ${time}`,
  )
})

test('the application’s own waits count once if they overlap', () => {
  assert.equal(applicationsOwn([]), 0)
  assert.equal(applicationsOwn([step('start', 0, 9), step('ready', 10, 20)]), 10)
  assert.equal(applicationsOwn([step('drain', 15, 30), step('ready', 10, 20)]), 20)
  assert.equal(applicationsOwn([step('ready', 10, 40), step('drain', 15, 30), step('drain', 50, 60)]), 40)
})

test('a step that fails has its time, too; the step that runs is named', async () => {
  const timeline = new Timeline()
  assert.equal(timeline.now, 'between two steps')
  const failing = timeline.step('ready', 'app-3', async () => {
    assert.equal(timeline.now, 'ready app-3')
    throw new Error('no')
  })
  await assert.rejects(failing, /no/)
  assert.deepEqual(
    timeline.steps.map(({ kind, names }) => [kind, names]),
    [['ready', 'app-3']],
  )
})

test('the steps that go on are told apart, whatever names are in them', async () => {
  const timeline = new Timeline()
  const ends: (() => void)[] = []
  const running = () => new Promise<void>((resolve) => ends.push(resolve))
  const steps = [
    timeline.step('ready', 'app-3, app-4', running),
    timeline.step('swap', 'app-5 in, app-1 out', running),
    timeline.step('start', '1 replica of 9dbc', running),
  ]
  assert.deepEqual(stepsNamed(timeline.now), [
    { kind: 'ready', names: 'app-3, app-4' },
    { kind: 'swap', names: 'app-5 in, app-1 out' },
    { kind: 'start', names: '1 replica of 9dbc' },
  ])
  for (const end of ends) end()
  await Promise.all(steps)
  assert.deepEqual(stepsNamed(timeline.now), [])
})

describe('a rollout of two replicas and the way back of one', () => {
  const named = (kind: Kind, names: string, from: number, to: number) => ({ kind, names, from, to })
  const steps = [
    named('start', '2 replicas of b', 0, 1),
    named('ready', 'app-3, app-4', 1, 3),
    named('swap', 'app-3, app-4 in', 4, 5),
    named('swap', 'app-1 out', 5, 6),
    named('drain', 'app-1', 6, 8),
    named('drain', 'app-9', 6, 7),
    named('swap', 'app-1 in, app-3, app-4 out', 7, 8),
    named('stop', 'app-3, app-4', 8, 9),
  ]
  test('each replica has a lane, from the beginning or from its start on', () =>
    assert.deepEqual(
      replicaLanes(steps, 0, 10).map(({ name, bands }) => [
        name,
        bands.map(({ kind, from, to }) => [kind, from, to]),
      ]),
      [
        [
          'app-1',
          [
            ['serving', 0, 6],
            ['draining', 6, 7],
            ['serving', 7, 10],
          ],
        ],
        [
          'app-3',
          [
            ['warming', 1, 4],
            ['serving', 4, 8],
            ['draining', 8, 9],
          ],
        ],
        [
          'app-4',
          [
            ['warming', 1, 4],
            ['serving', 4, 8],
            ['draining', 8, 9],
          ],
        ],
        [
          'app-9',
          [
            ['serving', 0, 6],
            ['draining', 6, 10],
          ],
        ],
      ],
    ))
  test('steps of a kind that overlap are in lanes of their own', () =>
    assert.deepEqual(
      stepLanes(steps).map(({ name, bands }) => [name, bands.length]),
      [
        ['start', 1],
        ['ready', 1],
        ['swap', 3],
        ['drain', 1],
        ['drain', 1],
        ['stop', 1],
      ],
    ))
  test('requests are counted before, while and after replicas are exchanged', () => {
    const samples = [0, 3, 4, 8, 9].map((due) => ({ due, took: 1, status: 200, error: '', during: '' }))
    const counted = (of: typeof steps) =>
      phasesOf(of, samples).map(({ name, samples }) => `${name} ${samples.length}`)
    assert.deepEqual(counted(steps), ['before 2', 'during 2', 'after 1', 'in all 5'])
    assert.deepEqual(counted([]), ['before 5', 'during 0', 'after 0', 'in all 5'])
  })
})

test('a summary of no request, and of requests with a failure', () => {
  assert.deepEqual(summarize([]), { requests: 0, failed: [], closed: 0, slowest: 0, p50: 0, p99: 0 })
  const samples = Array.from({ length: 100 }, (_, index) => ({
    due: 0,
    took: index + 1,
    status: 200,
    error: index === 7 ? 'answered 502' : '',
    during: '',
  }))
  const { failed, ...figures } = summarize(samples)
  assert.deepEqual(figures, { requests: 100, closed: 0, slowest: 100, p50: 51, p99: 100 })
  assert.equal(failed.length, 1)
})

test('requests are counted by release and half second; some reached no replica, some were broken off', () => {
  const line = (msec: number, status: number, release = '', asked = String(status)) =>
    `{"msec":${msec},"status":${status},"seconds":0.1,"upstream_status":"${asked}","release":"${release}"}`
  const log = [
    line(4.9, 200, 'older'), // before the rollout
    line(5.1, 200, 'old'),
    line(5.4, 500, 'old'),
    line(30.2, 200, 'fresh'),
    line(30.2, 503, '', ''), // maintenance
    line(30.4, 502),
    line(30.5, 200, 'old'),
    'no request',
  ]
  const words = ['-e', remoteText('traffic.pl'), 'columns', '5000', '500']
  const { stdout } = spawnSync('perl', words, { input: log.join('\n'), encoding: 'utf8' })
  const [head, ...columns] = stdout.split('\n')
  assert.equal(head, '4 8')
  assert.deepEqual(parseTraffic([...columns, '4 cut'].join('\n')), {
    requests: 6,
    unanswered: 1,
    cut: 4,
    columns: [
      { at: 5000, release: 'old', requests: 2 },
      { at: 30_000, release: 'none', requests: 2 },
      { at: 30_000, release: 'fresh', requests: 1 },
      { at: 30_500, release: 'old', requests: 1 },
    ],
  })
  assert.deepEqual(parseTraffic(''), { requests: 0, unanswered: 0, cut: 0, columns: [] })
})
