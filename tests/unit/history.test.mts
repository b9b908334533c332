import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Entry,
  historyTable,
  kept,
  lastCounted,
  lastTarget,
  parseHistory,
  rollbackTarget,
  schemaChangedSince,
  targetBefore,
} from '../../scripts/lib/proof/history.mts'

function entry(from: string, to: string, result: Entry['result'] = 'released', schemaChanged = false): Entry {
  return { when: '2026-01-02T03:04:05.000Z', who: 'ada', from, to, result, seconds: 12.34, schemaChanged }
}

test('the release before is the one that the present release replaced', () => {
  const history = [entry('', 'a'), entry('a', 'b'), entry('b', 'c', 'went back'), entry('b', 'd')]
  assert.equal(targetBefore(history, 'd'), 'b')
  assert.equal(targetBefore(history, 'b'), 'a')
  assert.equal(targetBefore(history, 'a'), undefined)
  assert.equal(targetBefore([], 'a'), undefined)
})

test('a release that is rolled out again has replaced no other release', () => {
  assert.equal(targetBefore([entry('a', 'b'), entry('b', 'b')], 'b'), 'a')
})

test('the releases that changed the schema since then are named', () => {
  const history = [entry('', 'a', 'released', true), entry('a', 'b', 'released', true)]
  assert.deepEqual(schemaChangedSince(history, 'a'), ['b'])
  assert.deepEqual(schemaChangedSince(history, 'b'), [])
})

test('a rollout that went back leaves no release to keep', () => {
  const history = [entry('', 'a'), entry('a', 'broken', 'went back'), entry('a', 'b'), entry('b', 'a')]
  assert.deepEqual(kept(history, { release: 'a', name: 'a' }, 5).releases, ['a', 'b'])
})

test('the target of a rollback', () => {
  const interrupted = entry('b', 'c', 'unfinished', true)
  const before = [entry('', 'a'), entry('a', 'b')]
  const cases: [what: string, history: Entry[], running: string[], release: string | undefined][] = [
    ['the release before', before, ['b'], 'a'],
    ['the origin of a rollout that was interrupted', [...before, interrupted], ['b'], 'b'],
    ['the same, while both run', [...before, interrupted], ['b', 'c'], 'b'],
    ['the same, when only the new release runs', [...before, interrupted], ['c'], 'b'],
    [
      'a rollback that was interrupted is finished',
      [...before, { ...interrupted, rollback: true }],
      ['b', 'c'],
      'c',
    ],
    ['a rollout that failed half-way is undone', [...before, entry('b', 'c', 'failed')], ['b', 'c'], 'b'],
    [
      'a rollout that failed before it changed anything does not count',
      [...before, entry('b', 'c', 'failed')],
      ['b'],
      'a',
    ],
    [
      'a rollout that went back by itself does not count',
      [...before, entry('b', 'c', 'went back')],
      ['b'],
      'a',
    ],
    ['a first deployment that was interrupted has none', [entry('', 'a', 'unfinished')], ['a'], undefined],
    ['none without a history', [], ['a'], undefined],
  ]
  for (const [what, history, running, release] of cases)
    assert.equal(rollbackTarget(history, running), release, what)
  assert.deepEqual(schemaChangedSince([interrupted], 'b'), ['c'])
})

test('a release whose rollout was interrupted still has a release before it', () => {
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

  test('the same release with other settings has a target before it', () => {
    assert.equal(targetBefore(history, 'b-2'), 'b-1')
    assert.equal(targetBefore(history, 'b-1'), 'a-1')
  })

  test('a line without a target counts as the target that is named after the release', () => {
    assert.equal(targetBefore(history, 'a-1'), 'a')
    assert.equal(targetBefore([entry('', 'a'), entry('a', 'b')], 'b'), 'a')
  })

  test('a rollback to a release goes to its last target', () => {
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

  test('the table names targets', () => {
    assert.match(historyTable(history.slice(2, 4)), /a-1 +b-1[\s\S]*b-1 +b-2/)
  })
})

test('a rollout that was killed while it wrote its end is listed once', () => {
  const lines = [entry('a', 'b'), entry('a', 'b', 'unfinished')].map((one) => JSON.stringify(one)).join('\n')
  assert.deepEqual(
    parseHistory(lines).map(({ result }) => result),
    ['released'],
  )
})

test('the proof is the last rollout in which the probe ran to the end', () => {
  const counted = { ...entry('a', 'b'), requests: 400, failed: 0 }
  const later = [entry('b', 'c', 'unfinished'), { ...entry('b', 'c', 'failed'), requests: 7 }, entry('', 'c')]
  assert.equal(lastCounted([counted, ...later]), counted)
  const back = { ...entry('b', 'd', 'went back'), requests: 40, failed: 3 }
  assert.equal(lastCounted([counted, back]), back)
  assert.equal(lastCounted([]), undefined)
})

test('an incomplete line hides no other line', () => {
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
