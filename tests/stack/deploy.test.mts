/** The road itself: 02, 03 and 04 on a real Docker Engine, looked at from outside; a second run changes nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Deployment, docker } from '../lib/deployment.mts'

let site: Deployment
before(async () => {
  site = await Deployment.start()
})
after(() => site.remove())

test('the application answers on HTTPS through the load balancer', async () => {
  assert.deepEqual([(await site.get('/')).status, (await site.get('/')).body], [200, 'Hello, world!'])
  assert.deepEqual([(await site.get('/status')).status, (await site.get('/status')).body], [200, 'OK'])
})

test('two replicas share the traffic evenly', async () => {
  const mark = `/palindrom/mark${Date.now()}x`
  for (let number = 0; number < 20; number++) assert.equal((await site.get(mark)).status, 200)
  const shares = await Promise.all(
    (await site.containers('app')).map(async (name) => {
      const log = await docker`docker logs ${name}`
      return log.stdall.split(mark).length - 1
    }),
  )
  assert.deepEqual(shares, [10, 10])
})

test('a second run changes nothing, says so, and drops no request', async () => {
  const before = await site.ids()
  await site.unnoticed(async () => {
    for (const script of ['02-build', '03-db', '04-stack']) {
      const text = await site.must(script)
      const steps = text.split('\n').filter((line) => line.startsWith('✓'))
      assert.ok(steps.length > 0, text)
      for (const line of steps) assert.match(line, /nothing to do/)
    }
  })
  assert.deepEqual(await site.ids(), before)
})
