/** When requests that fail are the fresh release's fault, and when enough of them have been seen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sample } from '../../scripts/lib/probe.mts'
import { isShown, RequestsFail, Watch } from '../../scripts/lib/watch.mts'

const NOW = Date.now()

/** Requests from a second ago, a letter each: `.` answered, `x` failed. The bar is the moment when fresh ones serve. */
function watchOf(text: string, active = true): Watch {
  const letters = text.replace('|', '')
  const samples = [...letters].map((letter, index) => ({
    due: NOW + index,
    error: letter === 'x' ? 'answered 500' : '',
  }))
  const watch = new Watch({ samples: samples as Sample[] }, active)
  watch.freshSince = NOW + text.indexOf('|')
  return watch
}

const fails = (text: string, active = true) => {
  try {
    watchOf(text, active).check()
    return false
  } catch (error) {
    assert.ok(error instanceof RequestsFail)
    return true
  }
}

test('three failures that were none before are the fresh release’s', () => {
  assert.ok(fails('....|.x.x.x'))
  assert.ok(!fails('....|.x.x..'))
  assert.ok(!fails('xxxx|.x.x.x'), 'they failed before')
  assert.ok(!fails('....|xxxxxx', false), 'nobody wants to know')
})

test('work is waited for no longer when requests fail', async () => {
  const work = new Promise<never>(() => {})
  await assert.rejects(watchOf('....|xxx').over(work), RequestsFail)
  assert.equal(await watchOf('....|...').over(Promise.resolve(1)), 1)
})

test('what fresh replicas are like is shown by as many requests as it takes', () => {
  assert.ok(isShown(0, 0, Number.POSITIVE_INFINITY), 'where there are none')
  assert.deepEqual(
    [isShown(7, 0, 0.5), isShown(8, 0, 0.5), isShown(8, 1, 0.5), isShown(16, 2, 0.5)],
    [false, true, false, true],
  )
  assert.deepEqual([isShown(31, 0, 1 / 8), isShown(32, 0, 1 / 8)], [false, true])
})
