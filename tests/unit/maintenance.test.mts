import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrongCall } from '../../scripts/lib/cli/errors.mts'
import {
  addressesOf,
  areDifferent,
  describe,
  describeEach,
  parseMaintenance,
} from '../../scripts/lib/edge/maintenance.mts'

test('--allow takes addresses and returns them as nginx writes them', () => {
  assert.deepEqual(addressesOf(), [])
  assert.deepEqual(addressesOf('203.0.113.7, 2001:DB8:0::1'), ['203.0.113.7', '2001:db8::1'])
  for (const word of ['203.0.113', 'office', '10.0.0.0/8', '../on'])
    assert.throws(() => addressesOf(word), WrongCall, word)
})

test('the state is one sentence', () => {
  const on = parseMaintenance('changed\non carl\nsince 1790000000\nallow 203.0.113.7\nallow 203.0.113.8\n')
  assert.deepEqual([on.on, on.changed, on.known, on.allowed.length], [true, true, true, 2])
  assert.equal(
    describe(on),
    'Maintenance is on since 2026-09-21 14:13 UTC, by carl; 203.0.113.7 and 203.0.113.8 and /status get through.',
  )
  assert.equal(describe(parseMaintenance('')), 'Maintenance is off.')
  assert.equal(parseMaintenance('old\n').known, false)
})

test('several hosts are one sentence if users see the same at all', () => {
  const of = (name: string, output: string) => ({ name, now: parseMaintenance(output) })
  const on = 'on carl\nsince 1790000000\n'
  assert.equal(areDifferent([of('a', on), of('b', `${on}changed\n`)]), false)
  assert.equal(areDifferent([of('a', on), of('b', `${on}allow 203.0.113.7\n`)]), true)
  const half = [of('a', on), of('b', '')]
  assert.equal(areDifferent(half), true)
  assert.match(
    describeEach(half),
    /^a: Maintenance is on .*\nb: Maintenance is off\.\nNext: npm run maintenance/,
  )
})
