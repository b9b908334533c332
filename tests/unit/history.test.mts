import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Entry,
  historyTable,
  kept,
  lastCounted,
  lastTarget,
  parseHistory,
  schemaChangedSince,
  targetBefore,
  wayBack,
} from '../../scripts/lib/proof/history.mts'

function entry(from: string, to: string, result: Entry['result'] = 'released', schemaChanged = false): Entry {
  return { when: '2026-01-02T03:04:05.000Z', who: 'ada', from, to, result, seconds: 12.34, schemaChanged }
}

test('the release before is the one that the present one replaced', () => {
  const history = [entry('', 'a'), entry('a', 'b'), entry('b', 'c', 'went back'), entry('b', 'd')]
  assert.equal(targetBefore(history, 'd'), 'b')
  assert.equal(targetBefore(history, 'b'), 'a')
  assert.equal(targetBefore(history, 'a'), undefined)
  assert.equal(targetBefore([], 'a'), undefined)
})

test('a release rolled out over itself has not replaced another one', () => {
  assert.equal(targetBefore([entry('a', 'b'), entry('b', 'b')], 'b'), 'a')
})

test('who changed the schema since is told', () => {
  const history = [entry('', 'a', 'released', true), entry('a', 'b', 'released', true)]
  assert.deepEqual(schemaChangedSince(history, 'a'), ['b'])
  assert.deepEqual(schemaChangedSince(history, 'b'), [])
})

test('a release that never served is no way back', () => {
  const history = [entry('', 'a'), entry('a', 'broken', 'went back'), entry('a', 'b'), entry('b', 'a')]
  assert.deepEqual(kept(history, { release: 'a', name: 'a' }, 5).releases, ['a', 'b'])
})

test('the way back', () => {
  const cutOff = entry('b', 'c', 'unfinished', true)
  const before = [entry('', 'a'), entry('a', 'b')]
  const cases: [what: string, history: Entry[], running: string[], release: string | undefined][] = [
    ['to the release before', before, ['b'], 'a'],
    ['to where a rollout that was cut off came from, wherever that was', [...before, cutOff], ['b'], 'b'],
    ['with both running', [...before, cutOff], ['b', 'c'], 'b'],
    ['when it was cut off at its very end', [...before, cutOff], ['c'], 'b'],
    ['a rollback that was cut off goes on', [...before, { ...cutOff, rollback: true }], ['b', 'c'], 'c'],
    ['a rollout that stopped half way', [...before, entry('b', 'c', 'failed')], ['b', 'c'], 'b'],
    ['one that failed before anything changed', [...before, entry('b', 'c', 'failed')], ['b'], 'a'],
    ['one that went back by itself', [...before, entry('b', 'c', 'went back')], ['b'], 'a'],
    ['a first deployment that was cut off', [entry('', 'a', 'unfinished')], ['a'], undefined],
    ['no history', [], ['a'], undefined],
  ]
  for (const [what, history, running, release] of cases)
    assert.equal(wayBack(history, running), release, what)
  assert.deepEqual(schemaChangedSince([cutOff], 'b'), ['c'])
})

test('a release that came by a rollout that was cut off has a release before it all the same', () => {
  const history = [entry('a', 'b', 'unfinished'), entry('b', 'c', 'went back')]
  assert.equal(targetBefore(history, 'b'), 'a')
})

describe('targets', () => {
  const settings = (from: string, to: string, result: Entry['result'] = 'released') => ({
    ...entry(from.charAt(0), to.charAt(0), result),
    fromTarget: from,
    toTarget: to,
  })
  const history = [
    entry('', 'a'),
    settings('a', 'a-1'),
    settings('a-1', 'b-1'),
    settings('b-1', 'b-2'),
    settings('b-2', 'b-3', 'went back'),
  ]

  test('the same release with other settings has something before it', () => {
    assert.equal(targetBefore(history, 'b-2'), 'b-1')
    assert.equal(targetBefore(history, 'b-1'), 'a-1')
  })

  test('what ran before targets were kept is named after its release alone', () => {
    assert.equal(targetBefore(history, 'a-1'), 'a')
    assert.equal(targetBefore([entry('', 'a'), entry('a', 'b')], 'b'), 'a')
  })

  test('of a release, the one that served last is gone back to', () => {
    assert.equal(lastTarget(history, 'b'), 'b-2')
    assert.equal(lastTarget(history, 'a'), 'a-1')
    assert.equal(lastTarget(history, 'x'), undefined)
  })

  test('pruning keeps the last releases, the last target of each, and as many of the last targets', () => {
    const current = { release: 'b', name: 'b-2' }
    assert.deepEqual(kept(history, current, 2), { releases: ['b', 'a'], targets: ['b-2', 'a-1', 'b-1'] })
    assert.deepEqual(kept(history, current, 1), { releases: ['b'], targets: ['b-2'] })
    assert.deepEqual(kept([], current, 5), { releases: ['b'], targets: ['b-2'] })
  })

  test('the table names them', () => {
    assert.match(historyTable(history.slice(2, 4)), /a-1 +b-1[\s\S]*b-1 +b-2/)
  })
})

test('a rollout that was killed while it noted its end is told once', () => {
  const lines = [entry('a', 'b'), entry('a', 'b', 'unfinished')].map((one) => JSON.stringify(one)).join('\n')
  assert.deepEqual(
    parseHistory(lines).map(({ result }) => result),
    ['released'],
  )
})

test('what counts as proof is a rollout in which a client counted to the end', () => {
  const counted = { ...entry('a', 'b'), requests: 400, failed: 0 }
  const later = [entry('b', 'c', 'unfinished'), { ...entry('b', 'c', 'failed'), requests: 7 }, entry('', 'c')]
  assert.equal(lastCounted([counted, ...later]), counted)
  const back = { ...entry('b', 'd', 'went back'), requests: 40, failed: 3 }
  assert.equal(lastCounted([counted, back]), back)
  assert.equal(lastCounted([]), undefined)
})

test('a line that was cut short costs no other line', () => {
  const lines = `${JSON.stringify(entry('a', 'b'))}\n{"when":"2026\n${JSON.stringify(entry('b', 'c'))}\n`
  assert.deepEqual(
    parseHistory(lines).map(({ to }) => to),
    ['b', 'c'],
  )
})

test('the table', () => {
  const counted = { ...entry('a', 'b'), requests: 4812, failed: 0 }
  assert.equal(
    historyTable([entry('', 'a', 'released', true), counted, { ...entry('b', 'a'), rollback: true }]),
    `when (UTC)           who  from  to  result       requests  failed  seconds  schema
2026-01-02 03:04:05  ada  -     a   released     -         -       12.3     changed
2026-01-02 03:04:05  ada  a     b   released     4812      0       12.3
2026-01-02 03:04:05  ada  b     a   rolled back  -         -       12.3`,
  )
})
