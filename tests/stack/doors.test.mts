/** A deployment as somebody outside finds it: its pages, a second run of all steps, /admin, and what is published at all. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { after, before, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { basic } from '../lib/get.mts'
import { connects } from '../lib/raw.mts'
import { deployment } from '../lib/shared.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

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

test('/admin takes the password of the secret and nothing else', async () => {
  const as = async (user: string, password: string) =>
    (await site.get('/admin', { Authorization: basic(user, password) })).status
  const password = site.secret('admin_password')
  assert.equal((await site.get('/admin')).status, 401)
  assert.match(String((await site.get('/admin')).headers['www-authenticate']), /^Basic/)
  assert.equal(await as('developer', password), 200)
  const refused = [
    as('developer', 'wrong'),
    as('developer', ''),
    as('developer', password.slice(0, -1)),
    as('developer', password.toUpperCase()),
    as('admin', password),
    as('', password),
  ]
  assert.deepEqual(new Set(await Promise.all(refused)), new Set([401]))
})

test('after 04-stack /admin takes a password that the operator chose, and no longer the old one', async () => {
  const old = site.secret('admin_password')
  const own = `it's "new": $HOME \\ 100 % ü/@`
  writeFileSync(`${site.folder}/secrets/admin_password`, `${own}\n`)
  await site.must('04-stack')
  assert.equal((await site.get('/admin', { Authorization: basic('developer', own) })).status, 200)
  assert.equal((await site.get('/admin', { Authorization: basic('developer', old) })).status, 401)
})

test('/administration is a page like any other', async () => {
  assert.equal((await site.get('/administration')).status, 404)
})

test('the deployment publishes only the two ports of the load balancer', async () => {
  const inspected = await docker`docker inspect ${await site.ids()}`
  const published = (JSON.parse(inspected.stdout) as Inspected[]).flatMap((container) =>
    Object.values(container.HostConfig.PortBindings ?? {})
      .flat()
      .map(({ HostIp, HostPort }) => `${HostIp || 'all'} ${HostPort}`),
  )
  const { http, https, db } = site.ports
  assert.deepEqual(published.sort(), [`127.0.0.1 ${db}`, `all ${http}`, `all ${https}`].sort())
  for (const { HostConfig } of JSON.parse(inspected.stdout) as Inspected[])
    assert.ok(HostConfig.NetworkMode !== 'host' && !HostConfig.PublishAllPorts)
})

test('the database listens on 127.0.0.1 and on no other address of this machine', async () => {
  assert.equal(await connects('127.0.0.1', site.ports.db), true)
  const others = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const addresses = others.filter(({ internal, family }) => !internal && family === 'IPv4')
  assert.ok(addresses.length > 0)
  for (const { address } of addresses) {
    assert.equal(await connects(address, site.ports.https), true)
    assert.equal(await connects(address, site.ports.db), false, address)
  }
})

interface Inspected {
  HostConfig: {
    PortBindings: Record<string, { HostIp: string; HostPort: string }[]> | null
    NetworkMode: string
    PublishAllPorts: boolean
  }
}
