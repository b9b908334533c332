/** Requirements files: the files that pip reads, their lines, and the lines that need files of the application. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import {
  needsNoFile,
  placeOf,
  requirementFiles,
  requirementLines,
} from '../../scripts/lib/images/requirements.mts'

let folder: string
const put = (name: string, content: string | Buffer) => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
  writeFileSync(path.join(folder, name), content)
}
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'requirements-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const lines = () => requirementLines(folder).map(({ file, number, text }) => `${file}:${number} ${text}`)

test('comments are removed; a backslash joins lines', () => {
  put(
    'requirements.txt',
    '# all\nflask  # web\n\nredis \\\n  --hash=sha256:1 \\\n  --hash=sha256:2\nx==1#2\n',
  )
  assert.deepEqual(lines(), [
    'requirements.txt:2 flask',
    'requirements.txt:4 redis   --hash=sha256:1   --hash=sha256:2',
    'requirements.txt:7 x==1#2',
  ])
})

test('every line end, a byte-order mark, and UTF-16 are read', () => {
  const expected = ['requirements.txt:1 flask', 'requirements.txt:2 redis']
  for (const text of ['flask\r\nredis\r\n', 'flask\rredis\r', '\ufeffflask\nredis'])
    for (const encoding of ['utf8', 'utf16le'] as const) {
      if (encoding === 'utf16le' && !text.startsWith('\ufeff')) continue
      put('requirements.txt', Buffer.from(text, encoding))
      assert.deepEqual(lines(), expected)
    }
})

test('an included file is read once, in place, relative to the file that names it', () => {
  put('requirements.txt', '-r sub/base.txt\n--constraint=limits.txt\n-r https://example.com/all.txt\nflask')
  put('sub/base.txt', '-rmore.txt\n-r ../requirements.txt\nredis')
  put('sub/more.txt', 'click')
  put('limits.txt', 'click<9')
  assert.deepEqual(requirementFiles(folder), [
    'requirements.txt',
    'sub/base.txt',
    'sub/more.txt',
    'limits.txt',
  ])
  assert.deepEqual(
    lines().filter((line) => !line.includes(' -')),
    ['sub/more.txt:1 click', 'sub/base.txt:3 redis', 'limits.txt:1 click<9', 'requirements.txt:4 flask'],
  )
})

test('a link is copied with its target', () => {
  put('deps/all.txt', 'flask')
  symlinkSync('deps/all.txt', path.join(folder, 'requirements.txt'))
  assert.deepEqual(requirementFiles(folder), ['requirements.txt', 'deps/all.txt'])
  assert.deepEqual(lines(), ['requirements.txt:1 flask'])
})

test('a requirement is found by every spelling of its name', () => {
  put('requirements.txt', 'Flask\nruamel_yaml>=0.18')
  assert.equal(placeOf(requirementLines(folder), 'ruamel.yaml')?.number, 2)
  assert.equal(placeOf(requirementLines(folder), 'fla'), undefined)
})

describe('a line needs files of the application', () => {
  const none = [
    'flask',
    'Flask-SQLAlchemy==3.1.1',
    'redis[hiredis]>=5,<7',
    'tomli; python_version < "3.11"',
    'flask ~= 3.0 --hash=sha256:abc',
    'thing @ https://example.com/thing-1-py3-none-any.whl#sha256=1',
    'https://example.com/thing.zip',
    '-e git+https://example.com/thing.git#egg=thing',
    '--index-url https://example.com/simple',
    '-i https://example.com/simple',
    '--require-hashes',
    '-r base.txt',
    '-c limits.txt',
  ]
  const some = [
    '-e .',
    '.',
    './vendor/thing-1-py3-none-any.whl',
    'vendor/thing-1-py3-none-any.whl',
    'thing-1-py3-none-any.whl',
    'thing-1.tar.gz ; python_version > "3"',
    'thing @ file:///app/vendor/thing.whl',
    '--find-links ./wheels',
    '-f wheels',
    '--index-url file:///app/simple',
    '../elsewhere',
  ]
  for (const line of none) test(`no: ${line}`, () => assert.equal(needsNoFile(line), true))
  for (const line of some) test(`yes: ${line}`, () => assert.equal(needsNoFile(line), false))
})
