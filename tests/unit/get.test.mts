/** The tests' own request: what is broken off ends it, too. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Site } from '../../scripts/lib/edge/site.mts'
import { get } from '../lib/get.mts'

test('a response that is broken off is no answer', async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Length': 10 }).write('half', () => request.socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const site = new Site({ address: '127.0.0.1', domain: '', http: port, https: port }, async () => '')
  assert.equal((await get(site, '/', {}, 'GET', false)).status, 0)
  server.close()
})
