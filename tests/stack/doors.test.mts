/** The doors of the site as somebody outside finds them: TLS, the redirect, /admin, and what must not be reachable. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Deployment, docker } from '../lib/deployment.mts'
import { connects, message, raw } from '../lib/raw.mts'

let site: Deployment
before(async () => {
  site = await Deployment.start()
})
after(() => site?.remove())

test('HTTP answers with a permanent redirect to HTTPS: port, path and query are kept', async () => {
  const answers = ['GET', 'POST', 'HEAD'].map((method) =>
    raw(site.ports.http, message(method, '/some%20page?a=1&b=%2F'), false),
  )
  for (const { status, text } of await Promise.all(answers)) {
    assert.ok([301, 308].includes(status), text)
    assert.match(text, new RegExp(`^Location: ${site.origin}/some%20page\\?a=1&b=%2F\\r$`, 'im'))
  }
})

test('TLS 1.2 and 1.3 are spoken; 1.0 and 1.1 are refused by the server itself', async () => {
  // At security level 0 the client would speak the old versions; the alert proves that the server did not want to.
  for (const version of ['tls1_2', 'tls1_3']) assert.match(await handshake(version), /Cipher is (?!\(NONE\))/)
  for (const version of ['tls1', 'tls1_1']) {
    const told = await handshake(version)
    assert.match(told, /alert protocol version/)
    assert.match(told, /Cipher is \(NONE\)/)
  }
})

test('HTTP/2 is agreed on by ALPN and works', async () => {
  const client = http2.connect(site.origin, { ca: site.certificate })
  try {
    const status = await new Promise((resolve, reject) => {
      client.on('error', reject)
      const stream = client.request({ ':path': '/' })
      stream.on('response', (headers) => resolve(headers[':status']))
      stream.on('error', reject)
    })
    assert.equal(status, 200)
    assert.equal(client.alpnProtocol, 'h2')
  } finally {
    client.destroy()
  }
})

test('/admin opens with the password of the secret and with nothing else', async () => {
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

test('a password of the operator’s own choice opens /admin after 04-stack, and the old one no more', async () => {
  const old = site.secret('admin_password')
  const own = `it's "new": $HOME \\ 100 % ü/@`
  writeFileSync(path.join(site.folder, 'secrets/admin_password'), `${own}\n`)
  const { exitCode, text } = await site.run('04-stack')
  assert.equal(exitCode, 0, text)
  assert.equal((await site.get('/admin', { Authorization: basic('developer', own) })).status, 200)
  assert.equal((await site.get('/admin', { Authorization: basic('developer', old) })).status, 401)
})

test('no spelling of /admin gets past the password', async (context) => {
  const page = /^\/+admin(?![\w-])/i
  const withPassword = await reached(page)
  const tried = await tryAll('admin')
  context.diagnostic(`${tried} requests`)
  assert.ok(tried > 500)
  assert.deepEqual(await reached(page), withPassword)
})

test('what only begins like /admin is a page like any other', async () => {
  assert.equal((await site.get('/administration')).status, 404)
})

for (const endpoint of ['prepare-for-deploy', 'ready-for-deploy'])
  test(`no spelling of /${endpoint} reaches a replica`, async (context) => {
    const tried = await tryAll(endpoint)
    context.diagnostic(`${tried} requests`)
    assert.ok(tried > 500)
    assert.deepEqual(await reached(/^\/+(prepare|ready)-for-deploy/i), [])
    for (const name of await site.containers('app'))
      assert.doesNotMatch((await docker`docker logs ${name}`).stdall, /preparing/)
    assert.equal((await site.get(`/${endpoint}`)).status, 404)
  })

test('the same spellings of an open page do reach a replica: the measure above measures', async () => {
  await tryAll('status')
  const seen = (await reached(/^\/+status/i)).map((line) => line.split(' ')[0])
  assert.deepEqual(new Set(seen), new Set(METHODS))
})

test('nothing is published to the network but the two ports of the load balancer', async () => {
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

test('the database answers on 127.0.0.1 and on no other address of this machine', async () => {
  assert.equal(await connects('127.0.0.1', site.ports.db), true)
  const others = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const addresses = others.filter(({ internal, family }) => !internal && family === 'IPv4')
  assert.ok(addresses.length > 0)
  for (const { address } of addresses) {
    assert.equal(await connects(address, site.ports.https), true)
    assert.equal(await connects(address, site.ports.db), false, address)
  }
})

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS']

/** Ways to write the path of a page, for the clients of a proxy that tidies up and of one that does not. */
function spellings(page: string): string[] {
  const hex = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`
  const [first = '', rest] = [page[0], page.slice(1)]
  const half = `/${page.slice(0, 3)}${hex(page[3] as string)}${page.slice(4)}`
  const all = [...page].map(hex).join('')
  const plain = [`/${page}`, `/${hex(first)}${rest}`, `/${hex(first).toUpperCase()}${rest}`, half]
  const inFront = ['//', '///', '/./', '/x/../', '/x/y/../../', '/%2e/', '/x/%2E%2e/', '/%2F', '/%2f%2f']
  const more = [
    '/x%2f..%2f',
    '/x%2F%2E.%2F',
    '/../',
    '/.//',
    '/;a=b/',
    '/%5c',
    '/\\',
    '/x\\..\\',
    '/%00/',
    '/%09',
  ]
  const behind = [
    '/',
    '//',
    '/x',
    '/.',
    '/x/..',
    '?',
    '?a=b',
    ';a=b',
    ';',
    '%2F',
    '%2f..%2f',
    '%3F',
    '%23',
    '#x',
    '%00',
  ]
  const odd = [
    '%20',
    '%09',
    '%0d%0a',
    '.json',
    '%2e',
    '\\',
    '%5C',
    '~',
    '%C0%AF',
    '%',
    '%zz',
    '%ff',
    '!',
    ',',
  ]
  return [
    ...plain,
    `/${all}`,
    `/${all.toUpperCase()}`,
    `/${page.toUpperCase()}`,
    `/%25${hex(first).slice(1)}${rest}`,
    `/%2525${hex(first).slice(1)}${rest}`,
    ...[...inFront, ...more].map((front) => `${front}${page}`),
    ...[...behind, ...odd].map((end) => `/${page}${end}`),
    `https://localhost/${page}`,
    `http://localhost//${page}/`,
    `https://other.example/${half.slice(1)}`,
    page,
  ]
}

/** Tries every spelling by every method and version; returns how many requests were answered. */
async function tryAll(page: string): Promise<number> {
  const smuggled = message('GET', `/${page}`)
  const bytes = [
    ...spellings(page).flatMap((target) => METHODS.map((method) => message(method, target))),
    ...spellings(page).map((target) => message('GET', target, [], '1.0')),
    ...['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Prefix'].map((header) =>
      message('GET', '/nowhere', [`${header}: /${page}`]),
    ),
    `${message('POST', '/nowhere', [`Content-Length: ${smuggled.length}`])}${smuggled}`,
    `${message('POST', '/nowhere', ['Content-Length: 5', 'Transfer-Encoding: chunked'])}0\r\n\r\n${smuggled}`,
    `${message('GET', '/nowhere', ['Transfer-Encoding : chunked'])}0\r\n\r\n${smuggled}`,
    message('GET', '/nowhere', ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA']) + smuggled,
  ]
  const waiting = [...bytes]
  let answered = 0
  const client = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [secure, plain] = await Promise.all([
        raw(site.ports.https, next),
        raw(site.ports.http, next, false),
      ])
      assert.ok(secure.status < 500 && plain.status < 500, `${next}${secure.text}${plain.text}`)
      answered += Number(secure.status > 0) + Number(plain.status > 0)
    }
  }
  await Promise.all(Array.from({ length: 8 }, client))
  return answered
}

/** What the replicas logged of a page, decoded once as a web framework would: `GET /status 200`. */
async function reached(page: RegExp): Promise<string[]> {
  const logs = await Promise.all((await site.containers('app')).map((name) => docker`docker logs ${name}`))
  const lines = logs.flatMap(({ stdall }) => stdall.split('\n'))
  const requests = lines.flatMap((line) => /^\S+ ([A-Z]+ \S+ \d{3}) \S+ms id=/.exec(line)?.[1] ?? [])
  return requests.filter((request) => page.test(normal(request.split(' ')[1] as string)))
}

function normal(target: string): string {
  const [page = ''] = target.replace(/^https?:\/\/[^/]*/, '').split('?')
  const decoded = page.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return path.posix.normalize(decoded)
}

interface Inspected {
  HostConfig: {
    PortBindings: Record<string, { HostIp: string; HostPort: string }[]> | null
    NetworkMode: string
    PublishAllPorts: boolean
  }
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** What openssl told of a handshake in one version of TLS. */
function handshake(version: string): Promise<string> {
  const options = ['s_client', '-connect', `127.0.0.1:${site.ports.https}`, `-${version}`]
  const weak = version.startsWith('tls1_3') ? [] : ['-cipher', 'DEFAULT@SECLEVEL=0']
  return new Promise((resolve) => {
    const child = execFile('openssl', [...options, ...weak], { timeout: 10_000 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    )
    child.stdin?.end()
  })
}
