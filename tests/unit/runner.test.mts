/** `npm test` itself: which files it runs, in which order, and what it prints at the end. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { $ } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { chosen, groupsIn } from '../lib/choice.mts'
import { slowest } from '../lib/report.mts'
import { ZX } from '../lib/zx.mts'

/** Runs the files that the words choose, as a person at a terminal would, and not as a part of this test. */
function npmTest(...words: string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return $({ cwd: ROOT, quiet: true, nothrow: true, env })`${ZX} tests/run.mts ${words}`
}

test('words choose files; the slowest files come first', () => {
  const all = ['unit/a', 'stack/doors', 'stack/acme', 'server/bare', 'stack/backup'].map(
    (name) => `tests/${name}.test.mts`,
  )
  const names = (words: string[]) => chosen(all, words).map((file) => file.slice(6, -9))
  assert.deepEqual(names(['doors', 'unit/']), ['stack/doors', 'unit/a'])
  assert.deepEqual(names([]).toSorted(), names(all).toSorted())
  assert.equal(names([]).at(-1), 'unit/a')
  assert.equal(names([]).at(-2), 'stack/doors')
})

test('the files of a group run together when all are chosen or its name is, else one by one', () => {
  const names = ['stack/site.group', 'stack/doors.test', 'stack/tls.test', 'stack/redeploy.test']
  const all = names.map((name) => `tests/${name}.mts`)
  const groups = groupsIn(all)
  const pick = (...words: string[]) =>
    chosen(all, words, { [all[0] as string]: all.slice(1, 3) }).map((file) => file.slice(6, -4))
  assert.deepEqual(pick().toSorted(), ['stack/redeploy.test', 'stack/site.group'])
  assert.deepEqual(pick('site'), ['stack/site.group'])
  assert.deepEqual(pick('doors'), ['stack/doors.test'])
  assert.deepEqual(pick('doors', 'tls'), ['stack/site.group'])
  for (const member of all.slice(1, 3)) assert.ok(groups[all[0] as string]?.includes(member))
})

test('the group of unit tests has all files of its folder but the longest', () => {
  const [group = '', ...files] = ['unit.group', 'plan.test', 'lock.test'].map(
    (name) => `tests/unit/${name}.mts`,
  )
  assert.deepEqual(groupsIn([group, ...files, 'tests/stack/doors.test.mts']), { [group]: files.slice(0, 1) })
})

test('slowest() lists the slowest first', () => {
  const timed = [2, 30, 1].map((seconds) => ({ name: `took ${seconds}`, milliseconds: seconds * 1000 }))
  assert.equal(slowest('file', timed, 2), '\nseconds  slowest file\n30.0     took 30\n2.0      took 2\n')
})

test('the last lines are the slowest tests, the slowest files and the count', async () => {
  const { exitCode, stdout } = await npmTest('unit/nearest', 'unit/say')
  assert.equal(exitCode, 0, stdout)
  assert.match(stdout, /\n\d+\.\d +unit\/\w+: .*\n[\s\S]*slowest file\n\d+\.\d +unit\/\w+\n/)
  assert.match(stdout, /\nℹ tests (\d+)\n(ℹ .*\n)?ℹ pass \1\nℹ fail 0\n(ℹ \w+ [\d.]+\n)+$/)
})

test('words that choose no file are an error; the path of the checkout does not count', async () => {
  const { exitCode, stderr } = await npmTest(ROOT, 'no-such-file')
  assert.equal(exitCode, 1)
  assert.match(stderr, /No file of tests has \S+ and no-such-file in its name[\s\S]*Next:/)
})
