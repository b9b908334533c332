/** Which release counts as broken. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import { ErrorCounts, isWorse } from '../../scripts/lib/rollout/abort-on-errors.mts'
import { parseAnswers } from '../../scripts/lib/rollout/admission.mts'

const side = (answered: number, failed: number) => ({ answered, failed })

test('three failures that the other side does not have are enough, two are not', () => {
  assert.equal(isWorse(side(20, 3), side(1000, 0)), true)
  assert.equal(isWorse(side(20, 2), side(1000, 0)), false)
})

test('failures on both sides are not enough', () => {
  assert.equal(isWorse(side(100, 10), side(100, 10)), false)
  assert.equal(isWorse(side(100, 22), side(100, 10)), false)
  assert.equal(isWorse(side(100, 23), side(100, 10)), true)
  assert.equal(isWorse(side(20, 3), side(100, 5)), false)
  assert.equal(isWorse(side(3, 3), side(0, 0)), true)
})

function places(...numbers: [address: string, answered: number, failed: number][]): Place[] {
  return parsePlaces(
    numbers
      .map(
        ([address, answered, failed], index) =>
          `app${index + 1}\t${address}\t2\t100\t0\t${answered}\t${failed}\t`,
      )
      .join('\n'),
  )
}

test('each side is counted from the first fresh request on', () => {
  const counts = new ErrorCounts()
  counts.update(places(['10.0.0.2', 100, 7], ['10.0.0.3', 50, 0]))
  counts.update(places(['10.0.0.2', 200, 9], ['10.0.0.3', 50, 0]))
  assert.deepEqual([counts.old, counts.fresh], [side(0, 0), side(0, 0)])
  counts.addFresh(['10.0.0.3'])
  counts.update(places(['10.0.0.2', 210, 9], ['10.0.0.3', 60, 1]))
  counts.update(places(['10.0.0.2', 220, 10], ['10.0.0.3', 62, 3]))
  assert.deepEqual([counts.old, counts.fresh], [side(20, 1), side(12, 3)])
})

test('a place that another replica gets, and a balancer that is restarted, add nothing that was not counted since', () => {
  const counts = new ErrorCounts()
  counts.addFresh(['10.0.0.9'])
  counts.update(places(['10.0.0.4', 1000, 900]))
  counts.update(places(['10.0.0.9', 1000, 900]))
  assert.deepEqual([counts.old, counts.fresh], [side(0, 0), side(0, 0)])
  counts.update(places(['10.0.0.9', 1004, 901]))
  counts.update(places(['10.0.0.9', 2, 0]))
  counts.update(places(['10.0.0.9', 5, 1]))
  assert.deepEqual(counts.fresh, side(7, 2))
})

test('the answers of replicas to the rehearsal are read', () => {
  const answers = parseAnswers('10.0.0.2 200 302 500\n10.0.0.3 000\n10.0.0.4 \n')
  assert.deepEqual(answers.get('10.0.0.2'), [200, 302, 500])
  assert.deepEqual(answers.get('10.0.0.3'), [0])
})
