/** Services that are started again, and what the removed replicas have logged. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type Deployment, docker } from '../../lib/deployment.mts'
import { oneOffs } from '../../lib/typed.mts'

export function restarts(deployment: () => Deployment): void {
  describe('restart', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })

    test('restart: replicas by the loop, while somebody is in a one-off container; unnoticed', async () => {
      const inside = site.begin('run', 'sh', '-c', 'echo here; cat')
      await site.printed(inside, /here/)
      const replicas = async () =>
        (await site.containers('app')).filter((name) => !name.includes('-app-run-'))
      const old = await replicas()
      const text = await site.unnoticed(() => site.must('restart'))
      assert.match(text, /Fresh replicas replace \S+app-1, \S+app-2, as in a rollout/)
      const fresh = await replicas()
      assert.equal(fresh.filter((name) => old.includes(name)).length, 0)
      assert.equal((await oneOffs(site)).length, 1)
      inside.stdin.end()
      const ended = await inside
      assert.equal(ended.exitCode, 0, ended.stdall)
      const [first = '', second] = fresh
      await site.unnoticed(() => site.must('restart', first.slice(site.project.length + 1)))
      const now = await site.containers('app')
      assert.deepEqual([now.includes(first), now.includes(second ?? '')], [false, true])
    })

    test('logs of replicas that were removed: their last lines, ten of them', async () => {
      const text = await site.must('logs', 'app-1')
      assert.match(text, /app-1 .*GET \/ 200[\s\S]*app-1 .*— removed: a replica of release \w+\n/)
      assert.doesNotMatch(text, /GET \/status/)
    })

    test('restart: fresh workers of the load balancer and the balancer; the others say what is noticed', async () => {
      for (const service of ['lb', 'balancer']) {
        const before = await startedAt(site, service)
        const seen = await site.underLoad(async () => {
          assert.match(
            await site.must('restart', service),
            /fresh workers \(\d+ requests meanwhile, \d+ failed/,
          )
        })
        assert.deepEqual(seen.failed, [])
        assert.equal(await startedAt(site, service), before)
      }
      const before = await startedAt(site, 'redis')
      const text = await site.must('restart', 'redis')
      assert.match(text, /redis-1 is started again: for some seconds requests that need Redis wait or fail/)
      assert.match(text, /redis: started again \(\d+ requests meanwhile/)
      assert.notEqual(await startedAt(site, 'redis'), before)
      assert.equal((await site.get('/redis-hits')).status, 200)
    })
  })
}

async function startedAt(site: Deployment, service: string): Promise<string> {
  const { stdout } = await docker`docker inspect -f {{.State.StartedAt}} ${`${site.project}-${service}-1`}`
  return stdout.trim()
}
