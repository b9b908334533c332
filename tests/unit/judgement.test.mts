/** Which release is taken for broken. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Place, parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import { Tally, worse } from '../../scripts/lib/proof/judgement.mts'
import { parseAnswers } from '../../scripts/lib/rollout/rehearsal.mts'

const side = (answered: number, failed: number) => ({ answered, failed })

test('requests fail that do not fail elsewhere: three of them are enough, two are not', () => {
  assert.equal(worse(side(20, 3), side(1000, 0)), true)
  assert.equal(worse(side(20, 2), side(1000, 0)), false)
})

test('what fails on both sides is no reason', () => {
  assert.equal(worse(side(100, 10), side(100, 10)), false)
  assert.equal(worse(side(100, 22), side(100, 10)), false)
  assert.equal(worse(side(100, 23), side(100, 10)), true)
  assert.equal(worse(side(20, 3), side(100, 5)), false)
  assert.equal(worse(side(3, 3), side(0, 0)), true)
})

function places(...counts: [address: string, answered: number, failed: number][]): Place[] {
  return parsePlaces(
    counts
      .map(
        ([address, answered, failed], index) =>
          `app${index + 1}\t${address}\t2\t100\t0\t${answered}\t${failed}\t`,
      )
      .join('\n'),
  )
}

test('counted is from the first fresh request on, each side for itself', () => {
  const tally = new Tally()
  tally.add(places(['10.0.0.2', 100, 7], ['10.0.0.3', 50, 0]))
  tally.add(places(['10.0.0.2', 200, 9], ['10.0.0.3', 50, 0]))
  assert.deepEqual([tally.old, tally.fresh], [side(0, 0), side(0, 0)])
  tally.admit(['10.0.0.3'])
  tally.add(places(['10.0.0.2', 210, 9], ['10.0.0.3', 60, 1]))
  tally.add(places(['10.0.0.2', 220, 10], ['10.0.0.3', 62, 3]))
  assert.deepEqual([tally.old, tally.fresh], [side(20, 1), side(12, 3)])
})

test('what a place had counted for another replica is none of its doing; a balancer that was restarted begins anew', () => {
  const tally = new Tally()
  tally.admit(['10.0.0.9'])
  tally.add(places(['10.0.0.4', 1000, 900]))
  tally.add(places(['10.0.0.9', 1000, 900]))
  assert.deepEqual([tally.old, tally.fresh], [side(0, 0), side(0, 0)])
  tally.add(places(['10.0.0.9', 1004, 901]))
  tally.add(places(['10.0.0.9', 2, 0]))
  tally.add(places(['10.0.0.9', 5, 1]))
  assert.deepEqual(tally.fresh, side(7, 2))
})

test('what replicas answered when they were asked themselves', () => {
  const answers = parseAnswers('10.0.0.2 200 302 500\n10.0.0.3 000\n10.0.0.4 \n')
  assert.deepEqual(answers.get('10.0.0.2'), [200, 302, 500])
  assert.deepEqual(answers.get('10.0.0.3'), [0])
})
