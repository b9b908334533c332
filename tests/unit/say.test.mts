/** Output for people: durations, lists, counts, steps. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { count, list, seconds } from '../../scripts/lib/cli/say.mts'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { LOADER } from '../lib/zx.mts'

describe('seconds', () => {
  for (const [milliseconds, text] of [
    [0, '0.0 s'],
    [449, '0.4 s'],
    [12_120, '12.1 s'],
    [59_949, '59.9 s'],
    [60_000, '1 min 0 s'],
    [185_000, '3 min 5 s'],
    [3_599_400, '59 min 59 s'],
    [3_599_960, '1 h 0 min'],
    [172_799_000, '47 h 59 min'],
    [183_600_000, '2 d 3 h'],
  ] as const)
    test(`${milliseconds} ms: ${text}`, () => assert.equal(seconds(milliseconds), text))

  test('60 seconds are written as a minute', () => {
    assert.deepEqual([59_960, 119_700].map(seconds), ['1 min 0 s', '2 min 0 s'])
  })
})

test('list joins its items by commas and “and”', () => {
  const cases = [[], ['a'], ['a', 'b'], ['a', 'b', 'c']]
  assert.deepEqual(cases.map(list), ['', 'a', 'a and b', 'a, b and c'])
})

test('count adds the noun in singular or plural', () => {
  const told = [0, 1, 2].map((number) => count(number, 'replica'))
  assert.deepEqual(told, ['0 replicas', '1 replica', '2 replicas'])
})

test('without a terminal, a step is one line on standard error, a result goes to standard output, and nothing has colour', () => {
  const script = `
    import { result, step, warn } from ${JSON.stringify(path.join(ROOT, 'scripts/lib/cli/say.mts'))}
    await step('Redis', async () => 'started')
    warn('careful')
    result('https://localhost/')
    await step('Schema', async () => { throw new Error('no') }).catch((error) => result(error.message))`
  const { stdout, stderr } = spawnSync(process.execPath, [LOADER, '--input-type=module', '--eval', script], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  assert.equal(stdout, 'https://localhost/\nno\n')
  assert.equal(stderr.replace(/\d+\.\d s/g, 'N s'), '✓ Redis: started (N s)\n! careful\n✗ Schema (N s)\n')
})
