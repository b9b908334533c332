/** What lies in app/ and what is in the image: the same files. What pip cannot install. Builds images and starts nothing. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { entriesOf, ignoreOf } from '../../scripts/lib/images/source.mts'
import { copyOf } from '../lib/application.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { NAMES, PATTERNS, taken } from '../lib/ignored.mts'
import { makeWheels } from '../lib/wheels.mts'

let site: Deployment
let source: string
/** Name of the copy of an application, with whatever a test puts into it. */
const ODD = 'odd'
const here = baseImages(defaults(stackSchema), 'debian')
const put = (name: string, content = '') => {
  mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
  writeFileSync(path.join(source, name), content)
}

before(async () => {
  site = await Deployment.prepare()
  source = path.join(site.home, ODD)
  // The base images are there already; their names stand for ones that a registry would have.
  const { certbot: _, ...base_images } = here
  site.configure({ app: { source }, images: 'registry', base_images })
})
after(() => site?.remove())

function anew(): void {
  rmSync(source, { recursive: true, force: true })
  copyOf(site, 'tests/apps/minimal', ODD)
}

/** Builds, and returns the image. */
async function built(): Promise<string> {
  const release = /release (\w+) built/.exec(await site.must('02-build'))?.[1]
  assert.ok(release)
  return `${site.project}/app:${release}`
}

const inside = async (image: string, command: string[]) =>
  (await docker`docker run --rm ${image} ${command}`).stdout

const LIST = `cd /app
find . -mindepth 1 -printf '%y %m %p -> %l\\0' | LC_ALL=C sort -z
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -z`

/** The same list as the shell above makes, of the source. */
function listed(): string[] {
  const types = { file: 'f 644', executable: 'f 755', link: 'l 777', folder: 'd 755' }
  const entries = entriesOf(source, ignoreOf(source))
  const names = entries.map(
    ({ kind, name, content }) => `${types[kind]} ./${name} -> ${kind === 'link' ? content : ''}`,
  )
  const files = entries.filter(({ kind }) => kind === 'file' || kind === 'executable')
  return [...names, ...files.map(({ name, content }) => `${content}  ./${name}`)].sort()
}

async function found(image: string): Promise<string[]> {
  return (await inside(image, ['sh', '-c', LIST])).split('\0').filter(Boolean).sort()
}

test('.dockerignore is read as Docker reads it', async () => {
  const folder = path.join(site.home, 'ignored')
  for (const name of NAMES) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), '')
  }
  const dockerfile = path.join(site.home, 'Ignored')
  writeFileSync(dockerfile, 'FROM scratch\nCOPY . /\n')
  for (const text of PATTERNS) {
    writeFileSync(`${dockerfile}.dockerignore`, text)
    const tar = docker`docker build -q -f ${dockerfile} --output type=tar,dest=- ${folder} | tar -t --quoting-style=literal`
    const got = (await tar).stdout.split('\n').filter((name) => name && !name.endsWith('/'))
    assert.deepEqual(got.sort(), taken(text).sort(), text)
  }
})

describe('the image has the files of the source', () => {
  test('with odd names; files that .dockerignore names are not copied and make no new release', async () => {
    anew()
    for (const name of ['two\nlines', ' spaces ', 'ключ', '-dash', 'back\\slash', 'deep/er/x'])
      put(name, name)
    put('run.sh', '#!/bin/sh\n')
    chmodSync(path.join(source, 'run.sh'), 0o700)
    chmodSync(path.join(source, 'app.py'), 0o600)
    mkdirSync(path.join(source, 'empty'), { mode: 0o700 })
    symlinkSync('run.sh', path.join(source, 'link'))
    symlinkSync('/nowhere', path.join(source, 'dangling'))
    put('.dockerignore', 'node_modules\n**/*.log\n!deep/keep.log\n')
    put('deep/keep.log')
    const image = await built()
    assert.deepEqual(await found(image), listed())
    put('node_modules/x/index.js')
    put('debug.log')
    assert.match(await site.must('02-build'), /is built from this source already/)
  })

  test('also a changed file with the size and the time of the old one', async () => {
    for (const text of ['one', 'two']) {
      put('deep/same', text)
      utimesSync(path.join(source, 'deep/same'), 1e9, 1e9)
      assert.equal(await inside(await built(), ['cat', '/app/deep/same']), text)
    }
  })

  test('with a Dockerfile of its own and its .dockerignore', async () => {
    put('Dockerfile', 'ARG PYTHON_IMAGE\nFROM ${PYTHON_IMAGE}\nCOPY . /app\n')
    put('Dockerfile.dockerignore', 'deep\nDockerfile*\n')
    assert.deepEqual(await found(await built()), listed())
    assert.ok(!listed().some((line) => /Dockerfile|deep/.test(line)))
  })
})

describe('a sentence names the line that pip cannot install', () => {
  before(async () => {
    anew()
    await makeWheels(here.python, path.join(source, 'vendor'), ['local_thing', '1.0'])
  })
  const cases: [requirements: string, sentence: string][] = [
    ['click\nfoo bar\n', 'line 2: foo bar: “foo bar” is not a requirement'],
    [
      '--no-index\n\nno-such-thing==1\n',
      'line 3: no-such-thing==1: there is no package with that name for this Python',
    ],
    [
      `--no-index\n-f vendor\nlocal_thing==1.0 --hash=sha256:${'a'.repeat(64)}\n`,
      `line 3: local_thing==1.0 --hash=sha256:${'a'.repeat(64)}: the downloaded file has another hash`,
    ],
  ]
  for (const [requirements, sentence] of cases)
    test(sentence, async () => {
      put('requirements.txt', requirements)
      const { exitCode, text } = await site.run('02-build')
      assert.equal(exitCode, 1, text)
      assert.ok(text.includes(`odd/requirements.txt, ${sentence}`), text)
      assert.match(text, /State: no image was made; what runs keeps running\.\n {2}Next: {2}\S/)
      assert.doesNotMatch(text, /\n {4}at |Traceback/)
    })
})
