/** The dashboard's own web server. */
import assert from 'node:assert/strict'
import type http from 'node:http'
import { after, before, test } from 'node:test'
import type { Parts } from '../../scripts/lib/dashboard/parts.mts'
import { serve } from '../../scripts/lib/dashboard/server.mts'
import { until } from '../lib/until.mts'
import { ask, watch } from '../lib/watcher.mts'

const told: string[] = []
let parts: Parts = { a: '1', b: '1' }
let url: string
let server: http.Server
before(async () => {
  ;({ url, server } = await serve({
    page: '<p>The page',
    parts: () => parts,
    opened: () => told.push('opened'),
    closed: () => told.push('closed'),
  }))
})
after(() => server.close())

test('listens on the loopback alone, and its address holds a token', () =>
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/))
test('the page fetches nothing from elsewhere, and is kept by nobody', async () => {
  const { status, headers, body } = await ask(url)
  assert.deepEqual([status, body], [200, '<p>The page'])
  assert.match(
    String(headers['content-security-policy']),
    /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; /,
  )
  assert.deepEqual([headers['cache-control'], headers['referrer-policy']], ['no-store', 'no-referrer'])
})
test('without the token, by another name, or to change something: refused', async () => {
  const wrong = url.replace(/[\w-]{32}/, (token) =>
    token.replace(/^./, (letter) => (letter === 'a' ? 'b' : 'a')),
  )
  for (const [asked, options, status] of [
    [wrong, {}, 404],
    [`${wrong}events`, {}, 404],
    [new URL('/', url).href, {}, 404],
    [url, { headers: { Host: 'evil.example' } }, 404],
    [`${url}nothing`, {}, 404],
    [`${url}../../../package.json`, {}, 404],
    [url, { method: 'POST' }, 405],
    [`${url}events`, { method: 'DELETE' }, 405],
  ] as [string, http.RequestOptions, number][])
    assert.equal((await ask(asked, options)).status, status, asked)
  for (const file of ['page.css', 'client.js']) assert.ok((await ask(`${url}${file}`)).body.length > 100)
})
test('each page is sent everything first and then what changed; the server is looked at while one is open', async () => {
  const one = await watch(url)
  await until('it has all', () => one.parts.b === '1')
  parts = { a: '2', b: '1' }
  const other = await watch(url)
  await until('both know', () => one.parts.a === '2' && other.parts.a === '2' && other.parts.b === '1')
  other.close()
  parts = { a: '3', b: '1' }
  await until('the first one goes on', () => one.parts.a === '3')
  assert.deepEqual(told, ['opened'])
  one.close()
  await until('nobody looks any more', () => told.at(-1) === 'closed')
})
