/** The name of a release is a digest of its source. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { PROCESS1, PSYCOPG2, sourceOf } from '../../scripts/lib/images/application.mts'
import { howToMake, imageOf } from '../../scripts/lib/images/release.mts'
import { digest } from '../../scripts/lib/images/source.mts'
import { refusal } from '../lib/refusal.mts'

let folder: string
const put = (name: string, text = '') => writeFileSync(path.join(folder, name), text)
const stack = () => {
  const all = defaults(stackSchema)
  return { ...all, app: { ...all.app, source: folder } }
}
const release = (python = 'python:3.13') => sourceOf(stack(), python).release

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'release-test-'))
  for (const name of ['app.py', 'create_db.py', 'requirements.txt']) put(name)
})
afterEach(() => rmSync(folder, { recursive: true }))

test('the same source makes the same release', () => {
  assert.match(release(), /^[0-9a-f]{12}$/)
  assert.equal(release(), release())
})

test('another source, another Python image or an own Dockerfile makes another release', () => {
  const before = release()
  assert.notEqual(release('python:3.14'), before)
  put('Dockerfile', 'FROM scratch\n')
  const own = release()
  assert.notEqual(own, before)
  put('app.py', 'print()\n')
  assert.notEqual(release(), own)
})

test('the first process of the image is part of the release’s name, also with an own Dockerfile', () => {
  const named = (...recipe: string[]) => digest(sourceOf(stack(), '').entries, ...recipe, 'y').slice(0, 12)
  assert.equal(release('y'), named(path.join(ROOT, 'compose/app.Dockerfile'), PSYCOPG2, PROCESS1))
  put('Dockerfile', 'FROM scratch\n')
  assert.equal(release('y'), named(path.join(folder, 'Dockerfile'), PROCESS1))
})

test('the application’s own Dockerfile takes precedence', () => {
  assert.equal(sourceOf(stack(), '').dockerfile, path.join(ROOT, 'compose/app.Dockerfile'))
  put('Dockerfile', 'FROM scratch\n')
  assert.equal(sourceOf(stack(), '').dockerfile, path.join(folder, 'Dockerfile'))
})

test('missing files of the contract are named', () => {
  for (const name of ['app.py', 'requirements.txt']) rmSync(path.join(folder, name))
  assert.equal(
    refusal(() => release()),
    `
✗ The application in ${folder}/ has no app.py, requirements.txt
  Next:  See “Your own application” in the README.`,
  )
})

test('excluded files do not change the release; files of the contract must not be excluded', () => {
  put('.dockerignore', 'node_modules\n*.log\n')
  const before = release()
  put('debug.log', 'x')
  mkdirSync(path.join(folder, 'node_modules/left-pad'), { recursive: true })
  put('node_modules/left-pad/index.js')
  assert.equal(release(), before)
  put('.dockerignore', '*.txt\n')
  assert.equal(
    refusal(() => release()),
    `
✗ The .dockerignore of ${folder}/ excludes requirements.txt
  Next:  See “Your own application” in the README.`,
  )
})

describe('requirements must not include a file that pip will not find', () => {
  const refused = (what: string) => `
✗ ${folder}/${what}
  State: nothing was changed.
  Next:  Correct that line; the file must be in ${folder}/.`
  const cases: [what: string, prepare: () => void, message: string][] = [
    [
      'a missing file',
      () => put('requirements.txt', '\n-r base.txt\n'),
      'requirements.txt, line 2: base.txt does not exist',
    ],
    [
      'an excluded file',
      () => {
        put('requirements.txt', '-c limits.txt')
        put('limits.txt')
        put('.dockerignore', 'limits.*')
      },
      'requirements.txt, line 1: limits.txt is excluded by .dockerignore',
    ],
    [
      'a file outside, named in an included file',
      () => {
        mkdirSync(path.join(folder, 'sub'))
        put('requirements.txt', '-r sub/base.txt')
        put('sub/base.txt', '# all\n--requirement=../../all.txt\n')
      },
      'sub/base.txt, line 2: ../all.txt is outside of the application',
    ],
  ]
  for (const [what, prepare, message] of cases)
    test(what, () => {
      prepare()
      assert.equal(
        refusal(() => release()),
        refused(message),
      )
      put('Dockerfile', 'FROM scratch\n')
      release() // not checked with an own Dockerfile
    })
})

test('the name of its image', () => {
  assert.equal(imageOf({ ...stack(), project: 'shop' }, '1a2b'), 'shop/app:1a2b')
})

test('how to build a release whose image was removed', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567'
  const of = (revision: string, source = 'app') =>
    howToMake({ ...stack(), app: { ...stack().app, source } }, revision)
  assert.match(of(commit), new RegExp(`commit ${commit}: git checkout ${commit} && npm run redeploy `))
  assert.match(of(`${commit}-changed`), /and changes that were not committed/)
  assert.match(of(commit, '../shop'), new RegExp(`git -C ../shop checkout ${commit}`))
  for (const unknown of ['unknown', '', '<no value>']) {
    assert.match(of(unknown), /rollback -- --release NAME .* is not known\.$/)
    assert.doesNotMatch(of(unknown), /checkout/)
  }
})
