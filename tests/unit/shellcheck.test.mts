/** shellcheck reads every file of shell, for the server, the images and the tests. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { glob } from 'zx'
import { ROOT } from '../../scripts/lib/config.mts'

const files = await glob('{scripts,compose,tests,.ci}/**/{*.sh,run}', { cwd: ROOT, dot: true })

/** What shellcheck says. */
function said(...args: string[]): string {
  const { stdout, error } = spawnSync('shellcheck', args, { cwd: ROOT, encoding: 'utf8', input: INSECURE })
  if (error) throw new Error(`${error.message}: apt-get install shellcheck`)
  return stdout
}

const INSECURE = '#!/bin/bash\nrm -rf $1/*\n'

test('it has nothing to say', () => {
  assert.ok(files.length > 5, `${files}`)
  assert.equal(said(...files), '')
})

test('and would tell', () => assert.match(said('-'), /Double quote to prevent globbing/))
