/** What the load balancer tells the application, the client and its log; whose name it answers to. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { basic } from '../lib/get.mts'
import { keptMessage, raw } from '../lib/raw.mts'
import { deployment } from '../lib/shared.mts'
import { until } from '../lib/until.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('every answer has a request id and safe headers; none tells the version of nginx', async () => {
  for (const page of ['/', '/nowhere', '/admin', '/ready-for-deploy']) {
    const { headers } = await site.get(page, { 'X-Request-ID': 'forged' })
    assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/, page)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['referrer-policy'], 'strict-origin-when-cross-origin')
    assert.equal(headers.server, 'nginx')
    assert.equal(headers['strict-transport-security'], undefined, 'self-signed: no HSTS')
  }
})

test('a line of the access log is JSON with request id, replica, release and time', async () => {
  const { headers } = await site.get('/palindrom/anna')
  const id = String(headers['x-request-id'])
  let line: Record<string, unknown> | undefined
  await until('nginx has logged it', async () => {
    line = (await accessLog()).find((one) => one.id === id)
    return line !== undefined
  })
  const [replica = ''] = (await site.containers('app')).slice(0, 1)
  const image = (await docker`docker inspect -f {{.Config.Image}} ${replica}`).stdout.trim()
  assert.equal(line?.release, image.split(':').at(-1))
  assert.match(String(line?.upstream), /^[\d.]+:5000$/)
  assert.match(String(line?.upstream_seconds), /^\d\.\d{3}$/)
  assert.deepEqual([line?.uri, line?.status, line?.method], ['/palindrom/anna', 200, 'GET'])
  // The application was given the same id.
  const told = async () => (await site.logged('app')).filter((line) => line.includes(`id=${id}`)).length
  await until('the application has logged it', async () => (await told()) > 0)
  assert.equal(await told(), 1)
})

test('no log has a password or a query string that the configuration names', async () => {
  const secret = 'hunter2hunter2'
  const queries = [
    `password=${secret}`,
    `a=b&token=${secret}`,
    `a=b&to%6ben=${secret}`,
    `SECRET=${secret}&a=b`,
  ]
  for (const query of queries) {
    await site.get(`/palindrom/seen?${query}`)
    await site.get(`/ready-for-deploy?${query}`)
  }
  await raw(site.ports.http, keptMessage('GET', `/?key=${secret}`, ['Connection: close']), false)
  await site.get('/admin', {
    Authorization: basic('developer', secret),
  })
  await site.get('/palindrom/kept?monkey=1&q=100%25')
  // An upstream that fails is what nginx would write about into its error log, request line and all.
  const replicas = await site.containers('app')
  await docker`docker pause ${replicas}`
  const hanging = site.get(`/?token=${secret}`)
  await docker`docker kill ${replicas}`
  await hanging
  await docker`docker start ${replicas}`
  const containers = [`${site.project}-lb-1`, `${site.project}-balancer-1`, ...replicas]
  const logs = (await Promise.all(containers.map((name) => docker`docker logs ${name}`))).map(
    ({ stdall }) => stdall,
  )
  for (const log of logs) {
    assert.ok(!log.includes(secret))
    assert.ok(!log.includes(Buffer.from(`developer:${secret}`).toString('base64')))
  }
  assert.match(logs[0] as string, /"uri":"\/palindrom\/seen\?\[redacted\]"/)
  assert.match(logs[0] as string, /"uri":"\/palindrom\/kept\?monkey=1&q=100%25"/)
})

test('with a domain, a request for another name gets 421 and reaches no replica', async () => {
  site.configure({ domain: 'shop.example.org', log: { redact: ['card'] } })
  await site.must('04-stack')
  const ask = async (target: string, headers: string[]) => {
    const lines = [`GET ${target} HTTP/1.1`, 'Connection: close', ...headers]
    const bytes = `${lines.join('\r\n')}\r\n\r\n`
    return await raw(site.ports.https, bytes)
  }
  const own = [
    'Host: shop.example.org',
    `Host: shop.example.org:${site.ports.https}`,
    'Host: SHOP.Example.ORG',
  ]
  for (const host of own) assert.equal((await ask('/palindrom/own', [host])).status, 200, host)
  const foreign = [
    'localhost',
    '127.0.0.1',
    'shop.example.org.evil.example',
    'evil.example',
    'xshop.example.org',
  ]
  for (const host of foreign)
    assert.equal((await ask('/palindrom/foreign', [`Host: ${host}`])).status, 421, host)
  // A target with a host of its own overrules the header, for nginx and for what it tells the application.
  assert.equal((await ask('https://evil.example/palindrom/foreign', [own[0] as string])).status, 421)
  assert.equal((await ask('https://shop.example.org/palindrom/own', ['Host: evil.example'])).status, 200)
  assert.equal((await raw(site.ports.https, 'GET /palindrom/foreign HTTP/1.0\r\n\r\n')).status, 421)
  await site.get('/palindrom/own?card=4000')
  await site.get('/palindrom/own?token=kept')
  for (const uri of ['/palindrom/own?[redacted]', '/palindrom/own?token=kept'])
    await until(`nginx has logged ${uri}`, async () => (await accessLog()).some((line) => line.uri === uri))
  const plain = await raw(site.ports.http, keptMessage('GET', '/', ['Connection: close']), false)
  assert.match(plain.text, new RegExp(`Location: https://shop.example.org:${site.ports.https}/`))
  const asked = (lines: string[]) => lines.filter((line) => line.includes('/palindrom/own')).length
  await until('the application has logged all', async () => asked(await site.logged('app')) >= own.length + 3)
  const logged = await site.logged('app')
  assert.ok(logged.every((line) => !line.includes('/palindrom/foreign')))
  assert.equal(asked(logged), own.length + 3)
})

async function accessLog(): Promise<Record<string, unknown>[]> {
  const { stdout } = await docker`docker logs ${`${site.project}-lb-1`}`
  return stdout.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
}
