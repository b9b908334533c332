/** The rooms of scripts/lib/: a room imports only from the rooms before it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'

/** The lowest room comes first. docs/architecture.md says what is in each. */
const ROOMS = [
  'cli',
  'config',
  'host',
  'server',
  'images',
  'stack',
  'edge',
  'backup',
  'page',
  'proof',
  'rollout',
  'status',
  'dashboard',
  'verify',
  'engine',
  'swarm',
  'compose',
]
const LIB = path.join(ROOT, 'scripts/lib')

test('every file is in a room, except run.mts, which is above them', () => {
  const [files, folders] = [false, true].map((folder) =>
    readdirSync(LIB, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() === folder)
      .map(({ name }) => name),
  )
  assert.deepEqual(files, ['run.mts'])
  assert.deepEqual(folders?.toSorted(), ROOMS.toSorted())
})

for (const [floor, room] of ROOMS.entries())
  test(`${room} imports from ${['itself', ...ROOMS.slice(0, floor)].join(', ')}`, () => {
    for (const { file, imported } of imports(room)) {
      const from = path.relative(LIB, imported).split(path.sep)[0] ?? ''
      assert.ok(ROOMS.slice(0, floor + 1).includes(from), `${room}/${file} imports ${imported}`)
    }
  })

function imports(room: string): { file: string; imported: string }[] {
  const folder = path.join(LIB, room)
  return readdirSync(folder).flatMap((file) => {
    const text = readFileSync(path.join(folder, file), 'utf8')
    return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, name = '']) => ({
      file,
      imported: path.resolve(folder, name),
    }))
  })
}
