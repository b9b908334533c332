/** What passes through front door and balancer besides pages, each with a client of its kind. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Client } from '../lib/client.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import type { Answer } from '../lib/get.mts'
import { processes as processesOf } from '../lib/hardening.mts'
import { LONG } from '../lib/long.mts'
import { message, raw } from '../lib/raw.mts'
import { deployment, MINIMAL } from '../lib/shared.mts'
import { until } from '../lib/until.mts'
import { WebSocketClient } from '../lib/websocket.mts'

/** Seconds; in `npm run test:long` almost as many as app.timeout allows. */
const SILENCE = LONG ? 50 : 20
const MEGABYTE = 2 ** 20

let site: Deployment
let client: Client
/** Begun first and awaited last: it takes its time and disturbs nobody. */
let events: Promise<{ text: string; took: number }>
/** Answers of a page that takes its time, beside a client that must not notice. */
let slow: Promise<Answer[]>
const shared = deployment(MINIMAL)
before(async () => {
  site = await shared.take()
  client = new Client(site.origin)
  events = client.listen(`/events?silence=${SILENCE}`)
  const pages = Array.from({ length: 8 }, (_, number) => site.get(`/slow?seconds=8&number=${number}`))
  slow = site.unnoticed(() => Promise.all(pages))
  for (const begun of [events, slow]) begun.catch(() => {})
})
after(() => shared.leave())

const uploaded = (body: Buffer) => `200 ${body.length} ${createHash('sha256').update(body).digest('hex')}`

test('a WebSocket passes what each side sends', async () => {
  const socket = await WebSocketClient.open(site.ports.https, '/websocket')
  for (const text of ['hello', 'again']) assert.equal(await socket.echo(text), text)
  socket.close()
})

test('nginx passes no other upgrade: h2c would be a way around its rules', async () => {
  const headers = [
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    'Connection: Upgrade, HTTP2-Settings, close',
  ]
  const { status, text } = await raw(
    site.ports.https,
    `GET /headers HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n`,
  )
  assert.equal(status, 200)
  assert.doesNotMatch(text, /"Upgrade"|h2c/i)
})

test('a body of one piece, in chunks, and after 100-continue arrives as it was sent', async () => {
  const body = Buffer.alloc(3 * MEGABYTE, 'body')
  assert.equal(await client.send('/upload', body, { 'Content-Length': body.length }), uploaded(body))
  assert.equal(await client.send('/upload', body, { 'Transfer-Encoding': 'chunked' }), uploaded(body))
  assert.equal(
    await client.send('/upload', body, { 'Content-Length': body.length, Expect: '100-continue' }),
    uploaded(body),
  )
})

test('response headers of 12 KB and cookies of 8 KB pass', async () => {
  const { status, headers } = await site.get('/large-header?bytes=12000')
  assert.equal(status, 200)
  assert.equal(String(headers['x-large']).length, 12000)
  const cookie = `session=${'c'.repeat(8192)}`
  assert.equal((await site.get('/cookies', { Cookie: cookie })).body, String(cookie.length))
})

test('HTTP/1.0, 1.1 and 2, HEAD, a range, and 304 pass', async () => {
  const { status, text } = await raw(site.ports.https, message('GET', '/file', [], '1.0'))
  assert.equal(status, 200)
  assert.match(text, /jack a dull boy\n$/)
  assert.equal(await client.overHttp2('/file'), 200)
  const head = await raw(site.ports.https, message('HEAD', '/file'))
  assert.match(head.text, /Content-Length: \d{5}\r\n/i)
  assert.match(head.text, /\r\n\r\n$/)
  const range = await raw(site.ports.https, message('GET', '/file', ['Range: bytes=4-7']))
  assert.equal(range.status, 206)
  assert.match(range.text, /\r\n\r\nwork$/)
  const etag = /ETag: (.*)\r\n/i.exec(text)?.[1]
  assert.equal((await raw(site.ports.https, message('GET', '/file', [`If-None-Match: ${etag}`]))).status, 304)
})

test('nginx compresses an answer, unless the application has', async () => {
  for (const page of ['/file', '/packed']) {
    const { headers, body } = await client.get(page, { 'Accept-Encoding': 'gzip' })
    assert.equal(headers['content-encoding'], 'gzip', page)
    assert.match(gunzipSync(body).toString(), /^all work and no play/)
  }
  assert.equal((await client.get('/file')).headers['content-encoding'], undefined)
})

test('slow downloads of 300 MB disturb no other client and take little room on the server', async () => {
  const before = await processes()
  await site.unnoticed(async () => {
    const downloads = await Promise.all(
      [1, 2, 3].map(() => client.trickle('/big?megabytes=300', 5 * MEGABYTE)),
    )
    const kept = await room()
    assert.ok(kept > 0 && kept < 3 * 40, `${kept} MB in the spool`)
    for (const download of downloads) download.destroy()
  })
  assert.deepEqual(await processes(), before)
  await until('the spool is empty', async () => (await room()) === 0)
})

test('40 slow uploads of 10 MB at once arrive, and no other request is lost', async () => {
  const before = await processes()
  const body = Buffer.alloc(10 * MEGABYTE, 'upload')
  await site.unnoticed(async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => client.send('/upload', body, { 'Content-Length': body.length }, 200)),
    )
    for (const answer of answers) assert.equal(answer, uploaded(body))
  })
  assert.deepEqual(await processes(), before)
})

test('a page that is slower than any check takes no replica out, and its replica is asked once', async () => {
  for (const { status } of await slow) assert.equal(status, 200)
  const asked = (await site.logged('app')).filter((line) => line.includes('/slow?seconds=8&number='))
  assert.equal(asked.length, 8)
})

test('a silent WebSocket stays open', async () => {
  const socket = await WebSocketClient.open(site.ports.https, '/websocket')
  await events
  assert.equal(await socket.echo('still there'), 'still there')
  socket.close()
})

test(`server-sent events come one by one, ${SILENCE} s apart`, async () => {
  const { text, took } = await events
  assert.match(text, /first[\s\S]*last/)
  assert.ok(took > (SILENCE - 1) * 1000, `${took} ms: the first one was held back`)
})

/** Megabytes on disk that nginx keeps for clients, in files that have no name any more. */
async function room(): Promise<number> {
  const found = (await processes()).flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((number) => sizeInSpool(`/proc/${pid}/fd/${number}`)),
  )
  return found.reduce((sum, size) => sum + size, 0) / MEGABYTE
}

function sizeInSpool(file: string): number[] {
  try {
    return readlinkSync(file).startsWith('/tmp/spool/') ? [statSync(file).size] : []
  } catch {
    return [] // closed meanwhile
  }
}

/** nginx's. */
async function processes(): Promise<number[]> {
  const { stdout } = await docker`docker inspect -f {{.Id}} ${`${site.project}-lb-1`}`
  return processesOf(stdout.trim())
}
