import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from '../../scripts/lib/cli/nearest.mts'

test('nearest returns the word that is the fewest changes away', () => {
  const known = ['replicas', 'source', 'memory', 'environment']
  for (const [word, expected] of [
    ['replicsa', 'replicas'],
    ['Replicas', 'replicas'],
    ['sorce', 'source'],
    ['env', 'memory'],
    ['environments', 'environment'],
    ['memory', 'memory'],
  ] as const)
    assert.equal(nearest(word, known), expected)
  assert.equal(nearest('x', []), undefined)
})
