/** A script as the tests start it: from one file, which is made anew when a source has changed. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { $ } from 'zx'
import { ZX } from '../lib/zx.mts'

test('a script runs with the present text of what it imports, at its own place', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  const put = (name: string, text: string) => writeFileSync(path.join(folder, name), text)
  const printed = async () => (await $({ quiet: true })`${ZX} ${path.join(folder, 'script.mts')}`).stdout
  try {
    put('script.mts', "import { word } from './word.mts'\nconsole.log(word as string)\n")
    put('word.mts', 'export const word: string = import.meta.dirname\n')
    assert.equal(await printed(), `${folder}\n`)
    put('word.mts', "export const word = 'another'\n")
    assert.equal(await printed(), 'another\n')
    assert.equal(await printed(), 'another\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
