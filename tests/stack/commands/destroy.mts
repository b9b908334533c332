/** The stack is taken away; the data stays, unless it shall go, too. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { Deployment, docker } from '../../lib/deployment.mts'
import { testLong } from '../../lib/long.mts'
import { as } from '../../lib/sql.mts'
import { onTerminal } from '../../lib/terminal.mts'
import { argv } from '../../lib/typed.mts'

export function destroy(deployment: () => Deployment): void {
  describe('destroy', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })

    testLong(
      'destroy: asks for the name; what runs goes, the data stays, and comes back with it',
      async () => {
        await site.get('/palindrom/radar')
        const wrong = await onTerminal(argv(site, 'destroy'), [[/to go ahead: /, 'yes']])
        assert.match(
          wrong.text,
          /This removes from this machine: \d+ containers[\s\S]*What stays: the volume[\s\S]*Not confirmed/,
        )
        assert.equal(wrong.exitCode, 1)
        assert.equal((await site.run('destroy')).exitCode, 2)
        assert.equal((await site.get('/')).status, 200)
        const password = site.secret('db_developer_password')
        const { exitCode, text } = await onTerminal(argv(site, 'destroy'), [[/to go ahead: /, site.project]])
        assert.equal(exitCode, 0, text)
        assert.deepEqual(await site.ids(), [])
        assert.equal((await docker`docker images -q ${`${site.project}/*`}`).stdout, '')
        const again = await site.run('destroy', '--yes')
        assert.match(again.text, /nothing to do\. Still there: the volume/)
        assert.equal(again.exitCode, 0)
        await Deployment.start({}, site)
        assert.equal(site.secret('db_developer_password'), password)
        assert.match((await as(site, 'developer', 'SELECT text FROM palindromes')).text, /radar/)
      },
    )

    test('destroy --data: not without a word about the backup; then nothing is left, and a second time there is nothing to do', async () => {
      const ids = await site.ids()
      const refused = await site.run('destroy', '--data', '--yes')
      assert.match(refused.text, /no backup on the server is younger than a day/)
      assert.equal(refused.exitCode, 1)
      assert.deepEqual(await site.ids(), ids)
      const text = await site.must('destroy', '--data', '--no-backup', '--yes')
      assert.match(text, /Lost forever on this machine: the volume \S+_db/)
      assert.equal(existsSync(site.folder), false)
      const label = `label=com.docker.compose.project=${site.project}`
      for (const kind of ['container', 'network', 'volume'])
        assert.equal(
          (await docker`docker ${kind} ls ${kind === 'container' ? ['-a'] : []} -q --filter ${label}`).stdout,
          '',
        )
      assert.match(await site.must('destroy', '--data', '--no-backup', '--yes'), /nothing to do/)
      assert.equal(existsSync(site.folder), false)
    })
  })
}
