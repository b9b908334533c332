/** `npm test` itself: which files it takes, in which order, and what it says at the end. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { $ } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { chosen } from '../lib/choice.mts'
import { slowest } from '../lib/report.mts'
import { ZX } from '../lib/zx.mts'

/** Runs the files that the words choose, as someone at a terminal would: not as part of this test. */
function npmTest(...words: string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return $({ cwd: ROOT, quiet: true, nothrow: true, env })`${ZX} tests/run.mts ${words}`
}

test('words choose files; the longest come first, those of stacks and servers before the short ones', () => {
  const all = ['unit/a', 'stack/doors', 'stack/acme', 'server/bare', 'stack/steps'].map(
    (name) => `tests/${name}.test.mts`,
  )
  const names = (words: string[]) => chosen(all, words).map((file) => file.slice(6, -9))
  assert.deepEqual(names(['doors', 'unit/']), ['stack/doors', 'unit/a'])
  assert.deepEqual(names([]).toSorted(), names(all).toSorted())
  assert.equal(names([]).at(-1), 'unit/a')
  assert.equal(names([]).at(-2), 'stack/doors')
})

test('the slowest are told, the slowest first', () => {
  const timed = [2, 30, 1].map((seconds) => ({ name: `took ${seconds}`, milliseconds: seconds * 1000 }))
  assert.equal(slowest('file', timed, 2), '\nseconds  slowest file\n30.0     took 30\n2.0      took 2\n')
})

test('its last lines are the count, after the slowest tests and files', async () => {
  const { exitCode, stdout } = await npmTest('unit/nearest', 'unit/say')
  assert.equal(exitCode, 0, stdout)
  assert.match(stdout, /\n\d+\.\d +unit\/\w+: .*\n[\s\S]*slowest file\n\d+\.\d +unit\/\w+\n/)
  assert.match(stdout, /\nℹ tests (\d+)\n(ℹ .*\n)?ℹ pass \1\nℹ fail 0\n(ℹ \w+ [\d.]+\n)+$/)
})

test('words that choose nothing are an error and not the whole suite; the folder of the checkout is not looked at', async () => {
  const { exitCode, stderr } = await npmTest(ROOT, 'no-such-file')
  assert.equal(exitCode, 1)
  assert.match(stderr, /No file of tests has \S+ and no-such-file in its name[\s\S]*Next:/)
})
