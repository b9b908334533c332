/** .dockerignore; `stack/build` compares the same patterns with Docker. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Dockerignore, type Judgement } from '../../scripts/lib/images/dockerignore.mts'
import { NAMES, PATTERNS, taken } from '../lib/ignored.mts'
import { refusal } from '../lib/refusal.mts'

test('every example excludes something, but not everything', () => {
  for (const text of PATTERNS) {
    const left = taken(text)
    assert.ok(left.length < NAMES.length, text)
    assert.ok(left.length > 0, text)
  }
})

describe('a name is excluded by', () => {
  const cases: [pattern: string, names: string[]][] = [
    ['a.log', ['a.log']],
    ['/a.log', ['a.log']],
    ['./sub/../a.log/', ['a.log']],
    ['*.log', ['a.log']],
    ['*/*.log', ['sub/a.log']],
    ['**/*.log', ['a.log', 'sub/a.log', 'sub/deep/a.log']],
    ['sub/**/a.log', ['sub/a.log', 'sub/deep/a.log']],
    ['sub', ['sub/a.log', 'sub/deep/a.log', 'sub/deep/[x].txt']],
    ['?.log', ['a.log']],
    ['[a-c].log', ['a.log']],
    ['[^a-c].log', []],
    ['**/\\[x\\].txt', ['sub/deep/[x].txt']],
    ['A.LOG', []],
    ['# a.log', []],
    ['*\n!*.log', ['sub/a.log', 'sub/deep/a.log', 'sub/deep/[x].txt']],
    ['sub\r\n!sub/deep\r\nsub/deep/*.txt\r\n', ['sub/a.log', 'sub/deep/[x].txt']],
    ['\ufeffa.log', ['a.log']],
  ]
  const names = ['a.log', 'sub/a.log', 'sub/deep/a.log', 'sub/deep/[x].txt']
  for (const [pattern, out] of cases)
    test(JSON.stringify(pattern), () =>
      assert.deepEqual(
        taken(pattern, names),
        names.filter((name) => !out.includes(name)),
      ),
    )
})

test('an excluded folder is read only if a pattern may include something of it', () => {
  const may = (text: string) => new Dockerignore(text).mayTakeBack('node_modules')
  assert.equal(may('node_modules'), false)
  assert.equal(may('node_modules\n!app'), false)
  assert.equal(may('node_modules\n!node_modules/ours'), true)
  assert.equal(may('node_modules\n!**/ours'), true)
})

test('a pattern that Docker refuses is an error', () => {
  for (const pattern of ['!', '!/', '[a', '[]'])
    assert.equal(
      refusal(() => new Dockerignore(`ok\n${pattern}\n`).judge('b', {} as Judgement)),
      `
✗ .dockerignore: Docker does not accept the pattern “${pattern}”
  State: nothing was changed.
  Next:  Correct that line.`,
    )
})
