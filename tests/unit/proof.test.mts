/** The proof of a rollout, from samples, steps and the load balancer's log. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTraffic } from '../../scripts/lib/edge/traffic.mts'
import { summarize } from '../../scripts/lib/proof/probe.mts'
import { sentenceOf, titleOf } from '../../scripts/lib/proof/sentence.mts'
import { applicationsOwn, type Kind, Timeline } from '../../scripts/lib/proof/timeline.mts'

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

test('a summary of no request, and of requests with a failure', () => {
  assert.deepEqual(summarize([]), { requests: 0, failed: [], closed: 0, slowest: 0, median: 0, p99: 0 })
  const samples = Array.from({ length: 100 }, (_, index) => ({
    due: 0,
    took: index + 1,
    status: 200,
    error: index === 7 ? 'answered 502' : '',
    during: '',
  }))
  const { failed, ...figures } = summarize(samples)
  assert.deepEqual(figures, { requests: 100, closed: 0, slowest: 100, median: 51, p99: 100 })
  assert.equal(failed.length, 1)
})

test('requests are counted by release and half second; some reached no replica, some were broken off', () => {
  const log =
    '     12 10\told\tfalse\n      3 60\tfresh\tfalse\n      1 60\t\tfalse\n      2 60\t\ttrue\n      2 61\told\tfalse\n      4 cut\n'
  assert.deepEqual(parseTraffic(log), {
    requests: 20,
    unanswered: 2,
    cut: 4,
    columns: [
      { at: 5000, release: 'old', requests: 12 },
      { at: 30_000, release: 'fresh', requests: 3 },
      { at: 30_000, release: 'none', requests: 3 },
      { at: 30_500, release: 'old', requests: 2 },
    ],
  })
  assert.deepEqual(parseTraffic(''), { requests: 0, unanswered: 0, cut: 0, columns: [] })
})
