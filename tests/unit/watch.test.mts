/** When requests that fail are the fresh release's fault. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import type { Pool } from '../../scripts/lib/edge/pool.mts'
import type { Sample } from '../../scripts/lib/proof/probe.mts'
import { RequestsFail, Watch } from '../../scripts/lib/proof/watch.mts'

const NOW = Date.now() - 1000
/** A balancer that nobody asks anything. */
const NOBODY = { places: [], follow: () => () => {} }

/** Requests from a second ago, a letter each: `.` answered, `x` failed. The bar is the moment when fresh ones serve. */
function watchOf(text: string, active = true, pool: ConstructorParameters<typeof Watch>[1] = NOBODY): Watch {
  const letters = text.replace('|', '')
  const samples = [...letters].map((letter, index) => ({
    due: NOW + index,
    took: 1,
    error: letter === 'x' ? 'answered 500' : '',
  }))
  const watch = new Watch({ samples: samples as Sample[] }, pool, active)
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

test('what fails while the balancer is away, or knows nobody yet, is no release’s fault', (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: NOW })
  let tell = (_places: readonly Place[]): void => {}
  const follow: Pool['follow'] = (telling) => {
    tell = telling
    return () => {}
  }
  const watch = watchOf('....|.xxxx', true, { places: [], follow })
  tell([])
  context.mock.timers.tick(400)
  watch.check()
  const [down] = parsePlaces('app1\t10.0.0.2\t0\t100\t0\t0\t0\t\n') as [Place]
  tell([down])
  watch.check()
  tell([{ ...down, up: true }])
  watch.check()
  const seen = watchOf('....|.xxxx')
  assert.throws(() => seen.check(), RequestsFail)
})
