/** Which failed requests abort a rollout. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import type { BalancerState } from '../../scripts/lib/edge/balancer-state.mts'
import type { Sample } from '../../scripts/lib/proof/probe.mts'
import { AbortOnErrors, RequestsFail } from '../../scripts/lib/rollout/abort-on-errors.mts'

const NOW = Date.now() - 2000
/** A balancer without replicas. */
const EMPTY = { places: [], follow: () => () => {} }

/** Requests two seconds ago, a letter each: `.` answered, `x` failed. At the bar, fresh replicas begin to serve. */
function abortOf(
  text: string,
  active = true,
  balancer: ConstructorParameters<typeof AbortOnErrors>[1] = EMPTY,
): AbortOnErrors {
  const letters = text.replace('|', '')
  const samples = [...letters].map((letter, index) => ({
    due: NOW + index,
    took: 1,
    error: letter === 'x' ? 'answered 500' : '',
  }))
  const abort = new AbortOnErrors({ samples: samples as Sample[] }, balancer, active)
  abort.freshSince = NOW + text.indexOf('|')
  return abort
}

/** A balancer that says what it is told to say. */
function balancer(): { follow: BalancerState['follow']; tell: (places: readonly Place[]) => void } {
  let tell = (_places: readonly Place[]): void => {}
  const follow: BalancerState['follow'] = (telling) => {
    tell = telling
    return () => {}
  }
  return { follow, tell: (places) => tell(places) }
}

const aborts = (text: string, active = true) => {
  try {
    abortOf(text, active).check()
    return false
  } catch (error) {
    assert.ok(error instanceof RequestsFail)
    return true
  }
}

test('three failures abort, unless as many requests failed before', () => {
  assert.ok(aborts('....|.x.x.x'))
  assert.ok(!aborts('....|.x.x..'))
  assert.ok(!aborts('xxxx|.x.x.x'), 'they failed before')
  assert.ok(!aborts('....|xxxxxx', false), 'abort_on_errors is off')
})

test('waiting for work ends when requests fail', async () => {
  const work = new Promise<never>(() => {})
  await assert.rejects(abortOf('....|xxx').waitFor(work), RequestsFail)
  assert.equal(await abortOf('....|...').waitFor(Promise.resolve(1)), 1)
})

test('requests that fail while the balancer is away, or knows no replica yet, do not abort', (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: NOW })
  const { follow, tell } = balancer()
  const abort = abortOf('....|.xxxx', true, { places: [], follow })
  tell([])
  context.mock.timers.tick(1400)
  abort.check()
  const [down] = parsePlaces('app1\t10.0.0.2\t0\t100\t0\t0\t0\t\n') as [Place]
  tell([down])
  abort.check()
  tell([{ ...down, up: true }])
  abort.check()
  const seen = abortOf('....|.xxxx')
  assert.throws(() => seen.check(), RequestsFail)
})

test('requests are not judged before the balancer is heard of again', (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: NOW })
  const { follow, tell } = balancer()
  const [up] = parsePlaces('app1\t10.0.0.2\t2\t100\t0\t9\t0\t\n') as [Place]
  const abort = abortOf('....|.xxxx', true, { places: [up], follow })
  tell([up])
  context.mock.timers.tick(1400)
  abort.check()
  tell([up])
  assert.throws(() => abort.check(), RequestsFail)
})
