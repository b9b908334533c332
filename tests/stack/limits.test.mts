/** What the load balancer refuses before a replica sees it: too much, too large, too slow, ill-framed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { type Deployment, docker } from '../lib/deployment.mts'
import { basic } from '../lib/get.mts'
import { message, raw } from '../lib/raw.mts'
import { deployment } from '../lib/shared.mts'
import { until } from '../lib/until.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('500 requests per second from one address pass', async () => {
  const { requests, failed } = await site.underLoad(() => sleep(4000), { rate: 500, most: 400 })
  assert.ok(requests > 500, `${requests} requests`)
  assert.deepEqual(failed, [])
})

test('nginx limits guesses at the password of /admin, and not requests without one', async () => {
  const ask = async (headers: Record<string, string>) => (await site.get('/admin', headers)).status
  const open = await Promise.all(Array.from({ length: 100 }, () => ask({})))
  assert.deepEqual(tally(open), { 401: 100 })
  const guess = (number: number) => ({ Authorization: basic('developer', `guess${number}`) })
  const guesses = tally(await Promise.all(Array.from({ length: 200 }, (_, number) => ask(guess(number)))))
  const { 401: checked = 0, 429: refused = 0 } = guesses
  assert.equal(checked + refused, 200, JSON.stringify(guesses))
  // The burst of 25, and 5 a second while it lasted.
  assert.ok(checked >= 25 && checked < 100, JSON.stringify(guesses))
  assert.equal((await site.get('/')).status, 200)
  await sleep(1000)
  assert.equal(await ask({ Authorization: basic('developer', site.secret('admin_password')) }), 200)
})

test('requests beyond the limit get 429 and reach no replica; a second later all is well', async () => {
  await configure({ limits: { requests: 10 } })
  await sleep(2500)
  const asked = Array.from({ length: 200 }, (_, number) => site.get(`/palindrom/limit${number}`))
  const answers = (await Promise.all(asked)).map(({ status }) => status)
  const { 200: passed = 0, 429: refused = 0 } = tally(answers)
  assert.equal(passed + refused, 200)
  assert.ok(passed >= 10 && refused >= 10, `${passed} passed`)
  assert.equal((await logged(/palindrom\/limit/)).length, passed)
  await sleep(1000)
  assert.equal((await site.get('/')).status, 200)
})

test('requests beyond the limit of open ones get 429', async () => {
  await configure({ limits: { requests: 1000, connections: 4 } })
  await docker`docker pause ${await site.containers('app')}`
  try {
    const answers: number[] = []
    const asked = Array.from({ length: 20 }, async () => answers.push((await site.get('/')).status))
    await until('all but four are answered', () => answers.length >= 16)
    assert.deepEqual(tally(answers), { 429: 16 })
    await docker`docker unpause ${await site.containers('app')}`
    await Promise.all(asked)
  } finally {
    await docker({ nothrow: true })`docker unpause ${await site.containers('app')}`
  }
  await configure({ limits: { connections: 500, body: 1 } })
})

/** How long slow clients were held, in milliseconds. Begun here and awaited last: it takes its time and disturbs nobody. */
let held: Promise<number[]>

test('a header or body that is too large is refused and reaches no replica', async () => {
  const header = 'GET /slow HTTP/1.1\r\nHost: localhost\r\nX-Slow: '
  const body = message('POST', '/slow', ['Content-Length: 100'])
  // A byte a second: the header has one deadline as a whole, the body one between two reads.
  held = Promise.all([drip(header, 1000), drip(body, 60_000)])
  const large = 'x'.repeat(40_000)
  assert.equal((await ask(message('GET', '/large', [`Large: ${large}`]))).status, 400)
  assert.equal((await ask(message('GET', `/large?${large}`))).status, 414)
  const upload = message('POST', '/large', [`Content-Length: ${2 * 1024 * 1024}`])
  assert.equal((await ask(upload)).status, 413)
  assert.deepEqual(await logged(/large/), [])
  const fits = `${message('POST', '/large', ['Content-Length: 30000'])}${'x'.repeat(30_000)}`
  assert.equal((await ask(fits)).status, 404)
  assert.equal((await logged(/large/)).length, 1, 'a POST is asked once, whatever the answer')
})

const CHUNK = '5\r\nhello\r\n0\r\n\r\n'
const ILL_FRAMED: Record<string, string> = {
  'Content-Length and Transfer-Encoding': `POST /ill HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}`,
  'Transfer-Encoding and Content-Length': `POST /ill HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${CHUNK}`,
  'two lengths': 'POST /ill HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
  'two like lengths': 'POST /ill HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'a list of lengths': 'POST /ill HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello',
  'a negative length': 'POST /ill HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello',
  'a length with a sign': 'POST /ill HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello',
  'an unknown coding': `POST /ill HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n${CHUNK}`,
  'two codings': `POST /ill HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${CHUNK}`,
  'chunks in HTTP/1.0': `POST /ill HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}`,
  'a bad chunk size':
    'POST /ill HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n',
  'a huge chunk size':
    'POST /ill HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nhello\r\n0\r\n\r\n',
  'a blank before the colon': `POST /ill HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n${CHUNK}`,
  'a folded header': 'GET /ill HTTP/1.1\r\nHost: x\r\nX-Folded: one\r\n two\r\n\r\n',
  'a first header that is folded': 'GET /ill HTTP/1.1\r\n Host: x\r\n\r\n',
  'a null byte in a value': 'GET /ill HTTP/1.1\r\nHost: x\r\nX-Null: a\0b\r\n\r\n',
  'a null byte in a name': 'GET /ill HTTP/1.1\r\nHost: x\r\nX-N\0: a\r\n\r\n',
  'a null byte in the path': 'GET /ill\0 HTTP/1.1\r\nHost: x\r\n\r\n',
  'an encoded null byte in the path': 'GET /ill%00 HTTP/1.1\r\nHost: x\r\n\r\n',
  'a bare CR in a value': 'GET /ill HTTP/1.1\r\nHost: x\r\nX-Bare: a\rTransfer-Encoding: chunked\r\n\r\n',
  'a blank in the path': 'GET /ill now HTTP/1.1\r\nHost: x\r\n\r\n',
  'no host': 'GET /ill HTTP/1.1\r\n\r\n',
  'two hosts': 'GET /ill HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n',
  'a host that is none': 'GET /ill HTTP/1.1\r\nHost: x/../y\r\n\r\n',
  'an unknown version': 'GET /ill HTTP/3.7\r\nHost: x\r\n\r\n',
  'a method in small letters': 'get /ill HTTP/1.1\r\nHost: x\r\n\r\n',
  TRACE: 'TRACE /ill HTTP/1.1\r\nHost: x\r\n\r\n',
  CONNECT: 'CONNECT /ill HTTP/1.1\r\nHost: x\r\n\r\n',
}

test('ill-framed requests are refused and reach no replica', async () => {
  for (const [number, [what, bytes]] of Object.entries(ILL_FRAMED).entries()) {
    const { status, text } = await ask(bytes.replace('/ill', `/ill${number}`))
    const refused = status === 0 || (status >= 400 && status < 500) || status === 501 || status === 505
    assert.ok(refused, `${what}: ${text}`)
  }
  assert.deepEqual(await logged(/ill/), [])
})

test('a well-framed request of the same kind reaches a replica: the measure works', async () => {
  await ask(
    `POST /well HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNK}`,
  )
  assert.equal((await logged(/well/)).length, 1)
})

test('nginx closes the connection of a client that sends its header or body too slowly', async () => {
  // nginx's own default for both is 60 s.
  for (const milliseconds of await held)
    assert.ok(milliseconds > 5_000 && milliseconds < 45_000, `${milliseconds} ms`)
  assert.deepEqual(await logged(/slow/), [])
})

/** Sends bytes that need not be a whole request, and no more. */
async function ask(bytes: string) {
  return await raw(site.ports.https, bytes)
}

/** Sends a beginning at once and then a byte at a time; milliseconds until the server closes. */
function drip(beginning: string, interval: number): Promise<number> {
  return new Promise((resolve) => {
    const began = Date.now()
    const socket = tls.connect({ port: site.ports.https, host: '127.0.0.1', rejectUnauthorized: false })
    socket.write(beginning)
    const timer = setInterval(() => socket.write('x'), interval)
    const end = () => {
      clearInterval(timer)
      socket.destroy()
      resolve(Date.now() - began)
    }
    socket.resume()
    for (const event of ['error', 'end', 'close']) socket.on(event, end)
  })
}

async function configure(settings: Record<string, unknown>): Promise<void> {
  site.configure(settings)
  await site.must('04-stack')
}

/** The replicas' log lines about requests for such a page. */
async function logged(page: RegExp): Promise<string[]> {
  const requests = (await site.logged('app')).filter((line) => / id=/.test(line))
  return requests.filter((line) => page.test(line))
}

function tally(values: number[]): Record<number, number> {
  return Object.fromEntries(
    [...new Set(values)].map((value) => [value, values.filter((one) => one === value).length]),
  )
}
