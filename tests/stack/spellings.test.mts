/**
 * What must not be reachable, by any spelling: a table, every method and version, headers that rewrite the path,
 * smuggled requests, and mutations by chance. Judged by what the replicas logged, not by the status.
 */
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { LONG } from '../lib/long.mts'
import { seeded } from '../lib/random.mts'
import { keptMessage, message, pipelined, raw } from '../lib/raw.mts'
import { deployment } from '../lib/shared.mts'
import { mutated, seenAs, spellings } from '../lib/spellings.mts'

const SEED = Number(process.env.SEED ?? 1)
/** The longer run is `npm run test:long`. */
const MUTATIONS = LONG ? 100_000 : 10_000
/** Requests of mutations on one connection, and connections at once. */
const [BATCH, CLIENTS] = [100, 4]

const HIDDEN = ['prepare-for-deploy', 'ready-for-deploy']
const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS']
const HIDDEN_PAGE = /^\/+(prepare|ready)-for-deploy(?![\w-])/i
const ADMIN_PAGE = /^\/+admin(?![\w-])/i

let site: Deployment
/** When the first request of these tests was sent, in ISO 8601. */
let began = ''
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('no spelling of /admin gets past the password', async (context) => {
  began = new Date().toISOString()
  const tried = await tryAll('admin')
  context.diagnostic(`${tried} requests`)
  assert.ok(tried > 1000)
  assert.deepEqual(await reached(ADMIN_PAGE), [])
})

for (const endpoint of HIDDEN)
  test(`no spelling of /${endpoint} reaches a replica`, async (context) => {
    const tried = await tryAll(endpoint)
    context.diagnostic(`${tried} requests`)
    assert.ok(tried > 1000)
    assert.deepEqual(await reached(HIDDEN_PAGE), [])
    assert.equal((await site.get(`/${endpoint}`)).status, 404)
    await nobodyPrepares()
  })

test('the same spellings of an open page reach a replica: the measure works', async () => {
  await tryAll('status')
  const seen = (await reached(/^\/+status/i)).map((line) => line.split(' ')[0])
  for (const method of METHODS) assert.ok(seen.includes(method), method)
})

test(`${MUTATIONS} mutations reach neither the hidden endpoints nor /admin`, async (context) => {
  const below = seeded(SEED)
  const pages = [...HIDDEN, 'admin']
  const statuses = new Map<number, number>()
  let left = MUTATIONS / BATCH
  const client = async () => {
    while (left-- > 0) {
      const page = pages[below(pages.length)] as string
      const batch = Array.from({ length: BATCH }, () => mutated(page, below))
      const requests = batch.map((target) => keptMessage(METHODS[below(METHODS.length)] as string, target))
      for (const status of await pipelined(site.ports.https, requests))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  const shown = [...statuses].sort(([a], [b]) => a - b).map(([status, number]) => `${status}: ${number}`)
  context.diagnostic(`seed ${SEED}, answers ${shown.join(', ')}`)
  assert.equal(
    [...statuses.values()].reduce((sum, number) => sum + number, 0),
    MUTATIONS,
  )
  assert.ok([...statuses.keys()].every((status) => status < 500))
  assert.deepEqual(await reached(HIDDEN_PAGE), [])
  assert.deepEqual(await reached(ADMIN_PAGE), [])
  await nobodyPrepares()
})

/** Tries every spelling by every method and version; returns how many requests were answered. */
async function tryAll(page: string): Promise<number> {
  const smuggled = message('GET', `/${page}`)
  const bytes = [
    ...spellings(page).flatMap((target) => METHODS.map((method) => message(method, target))),
    ...spellings(page).map((target) => message('GET', target, [], '1.0')),
    ...['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Prefix', 'X_Original_URL'].map((header) =>
      message('GET', '/nowhere', [`${header}: /${page}`]),
    ),
    ...['TRACE', 'CONNECT', 'PROPFIND', 'get', 'G\0T'].map((method) => message(method, `/${page}`)),
    message('CONNECT', `${page}:443`),
    `GET /${page}\r\n\r\n`,
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
  return answered + (await tryHttp2(spellings(page)))
}

/** The same by HTTP/2, where the path is a header; what the client itself refuses to send does not count. */
async function tryHttp2(targets: string[]): Promise<number> {
  const client = http2.connect(site.origin, { ca: site.certificate })
  const ask = (target: string) =>
    new Promise<number>((resolve) => {
      const stream = client.request({ ':path': target })
      stream.on('response', (headers) => resolve(Number(headers[':status'])))
      stream.on('error', () => resolve(0))
      stream.resume()
    })
  try {
    let answered = 0
    for (const target of targets) {
      if (client.destroyed) return answered + (await tryHttp2(targets.slice(targets.indexOf(target))))
      answered += Number((await ask(target)) > 0)
    }
    return answered
  } finally {
    client.destroy()
  }
}

/** What the replicas logged of a page: `GET /status 200`. */
async function reached(page: RegExp): Promise<string[]> {
  const others = (await site.logged('app', began)).filter((line) => !line.endsWith(`id=${OURS}`))
  const requests = others.flatMap((line) => /^\S+ ([A-Z]+ \S+ \d{3}) \S+ms id=/.exec(line)?.[1] ?? [])
  return requests.filter((request) => page.test(seenAs(request.split(' ')[1] as string)))
}

/** Asked themselves, the replicas say that nobody asked them to prepare; a log can lose lines, this cannot. */
async function nobodyPrepares(): Promise<void> {
  for (const name of await site.containers('app')) {
    const { stdout } = await docker`docker exec ${name} python -c ${READY}`
    assert.equal(stdout.trim(), 'Not ready', name)
  }
}

/** Marks a question of this test's own in the replicas' logs. */
const OURS = 'the-test-itself'
const READY = `from urllib.request import Request, urlopen
print(urlopen(Request("http://localhost:5000/ready-for-deploy", headers={"X-Request-ID": "${OURS}"})).read().decode())`
