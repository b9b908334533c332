/** The digest of a source: the same release for the same source, another for another. */
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

describe('stays the same', () => {
  const cases: [what: string, change: () => void][] = [
    ['for another look', () => {}],
    ['after a touch', () => utimesSync(at('app.py'), 1, 1)],
    ['for other permissions than execute', () => chmodSync(at('app.py'), 0o600)],
    ['for a file written anew', () => writeFileSync(at('app.py'), 'print("hello")\n')],
    ...LITTER.map((pattern): [string, () => void] => [
      `beside ${pattern}`,
      () => {
        const name = pattern.replace('**/', 'sub/').replace('*', 'x')
        mkdirSync(at(name))
        writeFileSync(at(`${name}/file`), 'litter')
      },
    ]),
    [
      'beside litter at the top',
      () => {
        mkdirSync(at('__pycache__'))
        writeFileSync(at('__pycache__/app.cpython-313.pyc'), 'x')
        writeFileSync(at('.env'), 'PASSWORD=x')
        writeFileSync(at('old.pyc'), 'x')
      },
    ],
  ]
  for (const [what, change] of cases)
    test(what, () => {
      const before = digest(source)
      change()
      assert.equal(digest(source), before)
    })

  test('in a copy somewhere else', () => {
    const copy = path.join(home, 'elsewhere/other-name')
    cpSync(source, copy, { recursive: true, verbatimSymlinks: true })
    assert.equal(digest(copy), digest(source))
  })
})

describe('differs', () => {
  const cases: [what: string, change: () => void][] = [
    ['for other content of the same length', () => writeFileSync(at('app.py'), 'print("hallo")\n')],
    ['for one byte in the depth', () => writeFileSync(at('sub/deeper/data'), Buffer.from([0, 254, 10]))],
    ['for another name', () => renameSync(at('app.py'), at('App.py'))],
    ['for a file in another folder', () => renameSync(at('sub/deeper/data'), at('sub/data'))],
    ['for an empty folder, which Docker takes too', () => mkdirSync(at('empty'))],
    ['for one file more, though empty', () => writeFileSync(at('new.py'), '')],
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
      'for a line that moved from one file to the next',
      () => {
        writeFileSync(at('app.py'), '')
        writeFileSync(at('run.sh'), 'print("hello")\nexec python app.py\n')
      },
    ],
    ['for a name that only looks like litter', () => writeFileSync(at('environment.env'), '')],
  ]
  for (const [what, change] of cases)
    test(what, () => {
      const before = digest(source)
      change()
      assert.notEqual(digest(source), before)
    })

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

test('a link that leads nowhere is part of a source', () => {
  symlinkSync('nowhere', at('broken'))
  const before = digest(source)
  rmSync(at('broken'))
  symlinkSync('nowhere-else', at('broken'))
  assert.notEqual(digest(source), before)
})

describe('.dockerignore', () => {
  const names = (ignore: string) => entriesOf(source, ignore).map(({ name }) => name)
  const all = ['app.py', 'main.py', 'run.sh', 'sub', 'sub/deeper', 'sub/deeper/data']

  test('leaves out, takes back, and comes after the litter of development', () => {
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

  test('a folder all of whose files are left out stays, as Docker has it', () => {
    assert.deepEqual(names('sub/deeper/*'), all.slice(0, -1))
  })

  test('one that is named after the application’s own Dockerfile comes first, and counts for it alone', () => {
    writeFileSync(at('.dockerignore'), 'a\n')
    writeFileSync(at('Dockerfile.dockerignore'), 'b\n')
    assert.equal(ignoreOf(source), 'a\n')
    writeFileSync(at('Dockerfile'), '')
    assert.equal(ignoreOf(source), 'b\n')
  })
})

describe('what cannot be part of an image is named in a sentence, unless .dockerignore leaves it out', () => {
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
  Next:  Remove it, or name it in .dockerignore.`,
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
