/** What gets a person into the containers: a shell, the database, a command. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Deployment } from '../../lib/deployment.mts'
import { onTerminal } from '../../lib/terminal.mts'
import { argv, fed, oneOffs } from '../../lib/typed.mts'

export function inside(deployment: () => Deployment): void {
  describe('shell, psql and run', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })

    test('shell: for the commands on standard input, and on a terminal; its exit code is passed on', async () => {
      const piped = await fed(site, 'echo from $(hostname); exit 7', 'shell')
      assert.match(piped.stdout, /^from [0-9a-f]{12}\n$/)
      assert.equal(piped.exitCode, 7)
      assert.equal((await fed(site, 'redis-cli ping\n', 'shell', 'redis')).stdout, 'PONG\n')
      const { exitCode, text } = await onTerminal(argv(site, 'shell', 'app-2'), [[/[$#] /, 'tty; exit 5']])
      assert.match(text, /\/dev\/pts\//)
      assert.equal(exitCode, 5)
      assert.equal((await site.run('shell', 'app-99')).exitCode, 1)
    })

    test('psql: each role may what it may; statements by -c, by a pipe, and on a terminal', async () => {
      const query = 'SELECT current_user, count(*) FROM public.palindromes'
      for (const [flags, user] of [
        [[], 'developer'],
        [['--as', 'owner'], 'app'],
        [['--as', 'admin'], 'postgres'],
      ] as [string[], string][])
        assert.match(
          (await site.run('psql', ...flags, '-c', query)).stdout,
          new RegExp(`\\n ${user} +\\| +\\d+\\n`),
        )
      const refused = await fed(site, 'DELETE FROM palindromes;\nSELECT 1;\n', 'psql')
      assert.match(refused.stderr, /cannot execute DELETE in a read-only transaction/)
      assert.equal(refused.exitCode, 3)
      assert.equal(refused.stdout, '')
      const { exitCode, text } = await onTerminal(argv(site, 'psql'), [
        [/prusa=> /, 'SELECT 40 + 2;'],
        [/42[\s\S]*prusa=> /, '\\q'],
      ])
      assert.equal(exitCode, 0, text)
      for (const name of ['db_owner_password', 'db_developer_password'])
        assert.ok(!text.includes(site.secret(name)))
    })

    test('run: the serving release’s image, environment and networks; removed afterwards; its exit code', async () => {
      const program =
        'import os, socket; print(os.environ["DATABASE_URI"][:13], socket.gethostbyname("redis") > "", end="")'
      const ran = await site.run('run', 'python', '-c', `${program}; raise SystemExit(9)`)
      assert.deepEqual([ran.exitCode, ran.stdout], [9, 'postgresql+ps True'])
      assert.equal((await fed(site, 'abc', 'run', 'cat')).stdout, 'abc')
      const { exitCode, text } = await onTerminal(argv(site, 'run', 'sh'), [[/[$#] /, 'tty; exit 5']])
      assert.deepEqual([exitCode, /\/dev\/pts\//.test(text)], [5, true], text)
      assert.deepEqual(await oneOffs(site), [])
      assert.equal((await site.run('run')).exitCode, 2)
    })
  })
}
