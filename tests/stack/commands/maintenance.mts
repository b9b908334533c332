/** The page that users get while the site is worked on. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Deployment, docker } from '../../lib/deployment.mts'
import { testLong } from '../../lib/long.mts'
import { until } from '../../lib/until.mts'

export function maintenance(deployment: () => Deployment): void {
  describe('maintenance', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })
    after(() => site.run('maintenance', 'off'))

    test('is switched with no failed connection; /status and an allowed address get through', async () => {
      const seen = await site.underLoad(async () => {
        assert.match(
          await site.must('maintenance', 'on'),
          /Maintenance is on since .*; \/status gets through/,
        )
        await until('users get the page', async () => (await site.get('/')).status === 503)
        await site.must('maintenance', 'off')
        await until('users get through', async () => (await site.get('/')).status === 200)
      })
      assert.ok(seen.closed > 0)
      assert.deepEqual(seen.failed, [])
      await site.must('maintenance', 'on')
      const { status, body, headers } = await site.get('/palindrom/abba', {}, 'POST')
      assert.deepEqual(
        [status, headers['retry-after'], headers['content-type']],
        [503, '300', 'text/html; charset=utf-8'],
      )
      assert.match(body, /We will be back soon/)
      assert.deepEqual(
        [(await site.get('/status')).body, (await site.get('/ready-for-deploy')).status],
        ['OK', 404],
      )
      assert.match(await site.must('maintenance', 'on'), /Nothing to do/)
      const own = (await site.must('logs', 'lb', '--json')).trim().split('\n').at(-1) ?? ''
      await site.must('maintenance', 'on', '--allow', JSON.parse(own).client)
      assert.equal((await site.get('/')).status, 200)
      assert.match((await site.run('maintenance', 'status')).stdout, /and \/status get through/)
    })

    testLong(
      'stays through a rollout, a reload and a restart, and everybody knows of it; the page may be one’s own',
      async () => {
        const page = path.join(site.home, 'config/maintenance.html')
        writeFileSync(page, '<p>Our own page')
        await site.must('maintenance', 'on')
        rmSync(page)
        assert.match((await site.get('/')).body, /^<p>Our own page$/)
        let rolled = ''
        const seen = await site.underLoad(async () => {
          rolled = await site.must('redeploy', '--force')
        })
        assert.deepEqual([seen.closed, seen.failed], [seen.requests, []])
        assert.match(rolled, /Maintenance is on\. The probe asks for \/status/)
        assert.match(rolled, /requests, 0 failed/)
        // The page is an answer.
        assert.match(rolled, / of all clients, 0 unanswered/)
        site.configure({ limits: { body: 11 } })
        await site.must('04-stack')
        await site.must('restart', 'lb')
        await docker`docker restart ${`${site.project}-lb-1`}`
        await until('nginx answers', async () => (await site.get('/status')).status === 200)
        assert.deepEqual(await site.get('/').then(({ status, body }) => [status, body]), [
          503,
          '<p>Our own page',
        ])
        assert.match((await site.run('verify')).text, /Maintenance is on since .*npm run maintenance -- off/)
        const { exitCode, text } = await site.run('status')
        assert.match(text, /^✗ Maintenance has been on .*\n {2}Next: npm run maintenance -- off\n/)
        assert.equal(exitCode, 1)
        assert.match(await site.must('maintenance', 'off'), /Maintenance is off\./)
        assert.equal((await site.get('/')).status, 200)
      },
    )
  })
}
