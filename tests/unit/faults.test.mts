/** The list of faults: how the longest gap is counted, and that docs/measurements.md names each of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { FAULTS, isBearable, seenIn } from '../lib/faults.mts'

/** Requests in the order of their ends: when each was due (milliseconds), and whether it failed. */
const samples = (...all: [due: number, failed: boolean][]) =>
  all.map(([due, failed]) => ({ due, took: 5, status: 200, error: failed ? 'late' : '', during: '' }))

test('the longest gap is the longest time in which no request succeeded', () => {
  assert.equal(seenIn(samples([0, false], [10, false])).gap, 0)
  assert.equal(seenIn(samples([20, true], [0, false], [10, true], [30, false])).gap, 0.02)
  assert.equal(seenIn(samples([0, true], [10, false], [20, true], [30, true], [40, true])).gap, 0.03)
})

test('a fault may cost so many requests, or seconds; a client that asked nothing shows nothing', () => {
  const [none, short] = [
    { what: '', harm: '' },
    { what: '', harm: '', gap: 1 },
  ]
  const one = seenIn(samples([0, false], [10, true]))
  assert.deepEqual([isBearable(none, one), isBearable(short, one)], [false, true])
  assert.equal(isBearable(none, seenIn(samples([0, false]))), true)
  assert.equal(isBearable(none, seenIn([])), false)
})

test('docs/measurements.md has a line for each fault', () => {
  const page = readFileSync(path.join(ROOT, 'docs/measurements.md'), 'utf8').toLowerCase()
  for (const { what } of FAULTS) assert.ok(page.includes(`| ${what.toLowerCase()} `), what)
})
