/** Waiting: until it is so, or with a reason and what was seen last. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '../../scripts/lib/cli/wait.mts'
import { told } from '../lib/refusal.mts'

test('what is so already costs one look', async () => {
  for (const so of [undefined, '']) {
    let looks = 0
    await waitUntil('app-1 ready', 5, async () => {
      looks++
      return so
    })
    assert.equal(looks, 1)
  }
})

test('looks again until it is so', async () => {
  const seen = ['404 “Not ready”', undefined, 'never asked for']
  await waitUntil('app-1 ready', 5, async () => seen.shift())
  assert.deepEqual(seen, ['never asked for'])
})

test('past the deadline: what was waited for, how long, and what was seen last', async () => {
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

test('a look that fails ends the waiting with its own error', async () => {
  const crash = new Error('app-1 crashes (exit code 1)')
  await assert.rejects(
    waitUntil('app-1 ready', 5, () => Promise.reject(crash)),
    crash,
  )
})
