/** waitUntil: it ends when a condition is met, at the deadline, or when the check fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../../scripts/lib/cli/wait.mts'
import { told } from '../lib/refusal.mts'

test('a condition that is met already is checked once', async () => {
  for (const so of [undefined, '']) {
    let looks = 0
    await waitUntil('app-1 ready', 5, async () => {
      looks++
      return so
    })
    assert.equal(looks, 1)
  }
})

test('a condition is checked until it is met', async () => {
  const seen = ['404 “Not ready”', undefined, 'never asked for']
  await waitUntil('app-1 ready', 5, async () => seen.shift())
  assert.deepEqual(seen, ['never asked for'])
})

test('after the deadline, the error names the condition, the deadline and what the last check found', async () => {
  const seen = ['nothing', '404 “Not ready”']
  await assert.rejects(
    waitUntil('app-1 ready', 0.05, async () => seen.shift()),
    (error) => {
      assert.equal(told(error), '\n✗ app-1 ready: not within 0.05 s; last seen: 404 “Not ready”')
      return true
    },
  )
  assert.deepEqual(seen, [])
})

test('a check that fails ends the waiting with its own error', async () => {
  const crash = new Error('app-1 crashes (exit code 1)')
  await assert.rejects(
    waitUntil('app-1 ready', 5, () => Promise.reject(crash)),
    crash,
  )
})
