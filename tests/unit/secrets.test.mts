/** The passwords, made by the real script in a folder of the test. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { bash } from '../../scripts/lib/host/shell.mts'
import { ensureSecrets, keptSecrets, SECRETS, secretsTable } from '../../scripts/lib/stack/secrets.mts'

const host = new Host('local')
const missing = spawnSync('jq', ['--version']).error !== undefined

describe('secrets', { skip: missing && 'jq is not installed here; 01-server installs it' }, () => {
  let home: string
  const stack = { ...defaults(stackSchema), folder: '' }
  const at = (name: string) => `${stack.folder}/secrets/${name}`
  const read = (name: string) => host.run('Reading', bash`cat ${at(name)}`)
  const modes = (...names: string[]) => host.run('stat', bash`stat -c %a:%u ${names}`)

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'secrets-test-'))
    stack.folder = path.join(home, 'prusa')
  })
  afterEach(async () => {
    await host.run('Removing', bash`rm -rf ${home}`)
  })

  test('are 32 random bytes each, on one line, readable for root only', async () => {
    assert.deepEqual(await ensureSecrets(host, stack), [...SECRETS])
    const made = await Promise.all(SECRETS.map(read))
    for (const text of made) assert.match(text, /^[\w-]{43}\n$/)
    assert.equal(new Set(made).size, 3)
    assert.equal(await modes(...SECRETS.map(at), at('app.env')), '600:0\n'.repeat(4))
    assert.equal(await modes(stack.folder, at('')), '700:0\n'.repeat(2))
    assert.equal(
      await read('app.env'),
      `DATABASE_URI=postgresql+psycopg2://app:${made[0]?.trim()}@db:5432/prusa\n`,
    )
  })

  test('are made only if they are missing', async () => {
    await ensureSecrets(host, stack)
    const before = await Promise.all(SECRETS.map(read))
    assert.deepEqual(await ensureSecrets(host, stack), [])
    assert.deepEqual(await Promise.all(SECRETS.map(read)), before)
    await host.run('Emptying', bash`: >${at('admin_password')}`)
    assert.deepEqual(await ensureSecrets(host, stack), ['admin_password'])
  })

  test('DATABASE_URI names app_bridge while the owner’s password changes', async () => {
    await ensureSecrets(host, stack)
    const uri = await read('app.env')
    await host.run('Preparing', bash`umask 077; echo next >${at('db_owner_password.next')}`)
    await ensureSecrets(host, stack)
    assert.equal(await read('app.env'), 'DATABASE_URI=postgresql+psycopg2://app_bridge:next@db:5432/prusa\n')
    await host.run('Finishing', bash`rm ${at('db_owner_password.next')}`)
    await ensureSecrets(host, stack)
    assert.equal(await read('app.env'), uri)
  })

  test('are listed without their values', async () => {
    assert.deepEqual(await keptSecrets(host, stack), [])
    await ensureSecrets(host, stack)
    await host.run('Preparing', bash`echo next >${at('db_owner_password.next')}`)
    const told = secretsTable(stack, await keptSecrets(host, stack))
    for (const name of SECRETS) {
      assert.match(told, new RegExp(`secrets/${name} +600 +0 `))
      assert.ok(!told.includes((await read(name)).trim()))
    }
    assert.match(told, /db_owner_password.next .*unfinished: npm run secrets -- rotate db_owner_password/)
  })

  test('DATABASE_URI follows a password that was changed by hand, whatever it contains', async () => {
    await ensureSecrets(host, stack)
    for (const password of ['p@ss:w/rd?#[%] +&=\'"\\$x', 'žluť']) {
      await host.run('Changing', bash`printf %s ${password} >${at('db_owner_password')}`)
      await ensureSecrets(host, stack)
      const [, uri = ''] = /^DATABASE_URI=(.*)\n$/.exec(await read('app.env')) ?? []
      assert.equal(decodeURIComponent(new URL(uri.replace('postgresql+psycopg2', 'http')).password), password)
    }
  })
})
