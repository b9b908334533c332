/** Files on the server, written by a real bash into a folder of the test. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readdirSync, readSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { ServerFile } from '../../scripts/lib/host/files.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { bash, Secret } from '../../scripts/lib/host/shell.mts'

const host = new Host('local')
let folder: string
const at = (name: string) => path.join(folder, name)
const write = (...files: ServerFile[]) => host.writeFiles(files)
const stat = async (name: string) => (await host.run('stat', bash`stat -c '%a %u %g' ${at(name)}`)).trim()
/** The content, read as root, since only root may read some of the files. base64 keeps every byte. */
const content = async (name: string) =>
  Buffer.from(await host.run('read', bash`base64 -w0 ${at(name)}`), 'base64').toString()

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'files-test-'))
})
afterEach(async () => {
  await host.run('Removing', bash`rm -rf ${folder}`)
})

test('the paths of changed files are returned, and no others', async () => {
  const one = { path: at('one'), content: '1\n' }
  const two = { path: at('two words'), content: '2\n', mode: '600' }
  assert.deepEqual(await write(one, two), [one.path, two.path])
  assert.deepEqual(await write(one, two), [])
  assert.deepEqual(await write(one, { ...two, content: '2' }), [two.path])
  assert.deepEqual(await write(one, two), [two.path])
  assert.equal(await content('two words'), '2\n')
})

test('mode and owner are set, and corrected when they differ', async () => {
  const key = { path: at('key'), content: new Secret('hunter2'), mode: '400' }
  await write({ path: at('plain'), content: '' }, key)
  assert.deepEqual([await stat('plain'), await stat('key')], ['644 0 0', '400 0 0'])
  await host.run('chmod', bash`chmod 644 ${key.path}`)
  assert.deepEqual(await write(key), [key.path])
  assert.equal(await stat('key'), '400 0 0')
  await host.run('chown', bash`chown 65534 ${key.path}`)
  assert.deepEqual(await write(key), [key.path])
  assert.equal(await stat('key'), '400 0 0')
  assert.equal(await content('key'), 'hunter2')
})

test('a reader sees the old file or the new one: a file is replaced by a rename', async () => {
  const file = { path: at('file'), content: 'old\n' }
  await write(file)
  const reader = openSync(file.path, 'r')
  await write({ ...file, content: 'new\n' })
  const buffer = Buffer.alloc(10)
  const length = readSync(reader, buffer, 0, 10, 0)
  closeSync(reader)
  assert.equal(buffer.subarray(0, length).toString(), 'old\n')
  assert.equal(await content('file'), 'new\n')
  assert.deepEqual(readdirSync(folder), ['file'])
})

test('a temporary file of an interrupted run does no harm', async () => {
  await host.run('Leaving', bash`echo half >${at('file.next')}; chmod 000 ${at('file.next')}`)
  assert.deepEqual(await write({ path: at('file'), content: 'whole' }), [at('file')])
  assert.deepEqual(readdirSync(folder), ['file'])
})

test('any text is written unchanged', async () => {
  const texts = ['', '\n\n', "it's $HOME `x` \\ 'EOF'\nEOF\n", 'žluťoučký 🦑', 'x'.repeat(300_000)]
  for (const text of texts) {
    await write({ path: at("na'me $x"), content: text })
    assert.equal(await content("na'me $x"), text)
  }
})

test('a missing folder is an error', async () => {
  await assert.rejects(
    write({ path: at('none/file'), content: '' }),
    /Writing files: failed with exit code 1/,
  )
})
