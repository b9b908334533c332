/** The digest of a source, and the files that belong to it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { digest, entriesOf, ignoreOf, LITTER } from '../../scripts/lib/images/source.mts'
import { refusal } from '../lib/refusal.mts'

let home: string
let source: string
const at = (name: string) => path.join(source, name)

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'source-test-'))
  source = path.join(home, 'app')
  mkdirSync(at('sub/deeper'), { recursive: true })
  writeFileSync(at('app.py'), 'print("hello")\n')
  writeFileSync(at('run.sh'), 'exec python app.py\n')
  writeFileSync(at('sub/deeper/data'), Buffer.from([0, 255, 10]))
  symlinkSync('app.py', at('main.py'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('is hexadecimal SHA-256', () => assert.match(digest(source), /^[0-9a-f]{64}$/))

type Change = [what: string, change: () => void]

/** Tests whether the digest stays the same with each change. */
function digests(same: boolean, changes: Change[]): void {
  for (const [what, change] of changes)
    test(what, () => {
      const before = digest(source)
      change()
      assert.equal(digest(source) === before, same)
    })
}

describe('stays the same', () => {
  digests(true, [
    ['without a change', () => {}],
    ['for another time of a file', () => utimesSync(at('app.py'), 1, 1)],
    ['for other permissions than execute', () => chmodSync(at('app.py'), 0o600)],
    ['for a file written again', () => writeFileSync(at('app.py'), 'print("hello")\n')],
    ...['', 'sub/'].flatMap((folder) =>
      LITTER.map((pattern): Change => {
        const name = pattern.replace('**/', folder).replace('*', 'x')
        const put = () => {
          mkdirSync(at(name))
          writeFileSync(at(`${name}/file`), 'litter')
        }
        return [`beside ${name}`, put]
      }),
    ),
  ])

  test('in a copy in another folder', () => {
    const copy = path.join(home, 'elsewhere/other-name')
    cpSync(source, copy, { recursive: true, verbatimSymlinks: true })
    assert.equal(digest(copy), digest(source))
  })
})

describe('differs', () => {
  digests(false, [
    ['for other content of the same length', () => writeFileSync(at('app.py'), 'print("hallo")\n')],
    ['for one byte in a subfolder', () => writeFileSync(at('sub/deeper/data'), Buffer.from([0, 254, 10]))],
    ['for another name', () => renameSync(at('app.py'), at('App.py'))],
    ['for a file in another folder', () => renameSync(at('sub/deeper/data'), at('sub/data'))],
    ['for an empty folder, which Docker copies', () => mkdirSync(at('empty'))],
    ['for one more file, even an empty one', () => writeFileSync(at('new.py'), '')],
    ['for one file less', () => rmSync(at('run.sh'))],
    ['for the execute bit', () => chmodSync(at('run.sh'), 0o755)],
    [
      'for another target of a link',
      () => {
        rmSync(at('main.py'))
        symlinkSync('run.sh', at('main.py'))
      },
    ],
    [
      'for a file in place of a link to it',
      () => {
        rmSync(at('main.py'))
        cpSync(at('app.py'), at('main.py'))
      },
    ],
    [
      'for a line that moved to another file',
      () => {
        writeFileSync(at('app.py'), '')
        writeFileSync(at('run.sh'), 'print("hello")\nexec python app.py\n')
      },
    ],
    ['for a name that only looks like litter', () => writeFileSync(at('environment.env'), '')],
  ])

  test('for another file or text beside the folder, and for another order', () => {
    const dockerfile = path.join(home, 'Dockerfile')
    writeFileSync(dockerfile, 'FROM a\n')
    const all = digest(source, dockerfile, 'python:3.13')
    assert.notEqual(digest(source, dockerfile, 'python:3.14'), all)
    assert.notEqual(digest(source, 'python:3.13', dockerfile), all)
    assert.notEqual(digest(source, dockerfile), all)
    writeFileSync(dockerfile, 'FROM b\n')
    assert.notEqual(digest(source, dockerfile, 'python:3.13'), all)
  })
})

test('a link without a target is part of a source', () => {
  symlinkSync('nowhere', at('broken'))
  const before = digest(source)
  rmSync(at('broken'))
  symlinkSync('nowhere-else', at('broken'))
  assert.notEqual(digest(source), before)
})

describe('.dockerignore', () => {
  const names = (ignore: string) => entriesOf(source, ignore).map(({ name }) => name)
  const all = ['app.py', 'main.py', 'run.sh', 'sub', 'sub/deeper', 'sub/deeper/data']

  test('excludes files, includes them again, and comes after the default patterns', () => {
    mkdirSync(at('sub/__pycache__'))
    writeFileSync(at('sub/__pycache__/x.pyc'), '')
    assert.deepEqual(names(''), all)
    assert.deepEqual(names('sub\n'), ['app.py', 'main.py', 'run.sh'])
    assert.deepEqual(names('*\n!sub/deeper/data\n'), ['sub', 'sub/deeper', 'sub/deeper/data'])
    assert.deepEqual(names('!**/__pycache__\n'), [
      ...all.slice(0, 4),
      'sub/__pycache__',
      'sub/__pycache__/x.pyc',
      ...all.slice(4),
    ])
  })

  test('keeps a folder whose files are all excluded, as Docker does', () => {
    assert.deepEqual(names('sub/deeper/*'), all.slice(0, -1))
  })

  test('is replaced by Dockerfile.dockerignore if the application has a Dockerfile', () => {
    writeFileSync(at('.dockerignore'), 'a\n')
    writeFileSync(at('Dockerfile.dockerignore'), 'b\n')
    assert.equal(ignoreOf(source), 'a\n')
    writeFileSync(at('Dockerfile'), '')
    assert.equal(ignoreOf(source), 'b\n')
  })
})

describe('an entry that cannot be part of an image is an error unless it is excluded', () => {
  const cases: [name: string, what: string, make: (name: string) => unknown][] = [
    ['door', 'is a socket', (name) => once(createServer().listen(at(name)).unref(), 'listening')],
    ['pipe', 'is a pipe', (name) => execFileSync('mkfifo', [at(name)])],
    [
      'b\ufffdd',
      'has a name that is not UTF-8',
      () => writeFileSync(Buffer.concat([Buffer.from(at('b')), Buffer.from([0xff, 0x64])]), ''),
    ],
  ]
  for (const [name, what, make] of cases)
    test(what, async () => {
      await make(name)
      assert.equal(
        refusal(() => entriesOf(source)),
        `
✗ ${at(name)} ${what}: it cannot be part of an image
  State: nothing was changed.
  Next:  Remove it, or exclude it in .dockerignore.`,
      )
      const left = entriesOf(source, `${name[0]}*${name.at(-1)}`)
      assert.ok(!left.some((entry) => entry.name === name))
    })

  test('a device', () =>
    assert.match(
      refusal(() => entriesOf('/dev', '*\n!null\n')),
      /\/dev\/null is a device/,
    ))

  test('a .dockerignore that cannot be read', () => {
    mkdirSync(at('.dockerignore'))
    assert.match(
      refusal(() => ignoreOf(source)),
      /\.dockerignore is a folder/,
    )
  })
})
