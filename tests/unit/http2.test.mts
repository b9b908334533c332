/** HTTP/2 as the probe speaks it: what a server refuses was not processed, and is asked again; anything else counts. */
import assert from 'node:assert/strict'
import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Http2 } from '../../scripts/lib/edge/http2.mts'
import { Site } from '../../scripts/lib/edge/site.mts'
import { Pki } from '../lib/pki.mts'

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = constants
let pki: Pki
let server: Http2SecureServer
let client: Http2
let another: () => Http2
/** What the server does with the requests to come, in order; it answers those after them. */
let moves: ((stream: ServerHttp2Stream) => void)[] = []
/** So many connections to come are told at once that no request on them is processed. */
let leaving = 0
let asked = 0

before(async () => {
  pki = await Pki.make()
  const { certificate, key } = await pki.selfSigned()
  server = createSecureServer({ cert: certificate, key })
  server.on('session', (session) => {
    session.on('error', () => {})
    if (leaving > 0) {
      leaving--
      session.goaway(NGHTTP2_NO_ERROR, 0)
      session.close()
    }
  })
  server.on('stream', (stream) => {
    asked++
    stream.on('error', () => {})
    const move = moves.shift()
    if (move) move(stream)
    else stream.respond({ ':status': 200 }, { endStream: true })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const answers = { address: '127.0.0.1', domain: 'site.test', http: 0, https: port }
  another = () => new Http2(new Site(answers, async () => certificate), 10)
  client = another()
})
after(() => {
  client?.close()
  server?.close()
  pki?.remove()
})

const get = (fresh: boolean) => client.ask('/', fresh, new AbortController().signal)
const reset = (code: number) => (stream: ServerHttp2Stream) => stream.close(code)

for (const fresh of [true, false]) {
  const on = `on a ${fresh ? 'fresh' : 'kept'} connection`
  test(`a request that is refused by its own frame is asked again, ${on}`, async () => {
    moves = [reset(NGHTTP2_REFUSED_STREAM)]
    asked = 0
    assert.equal((await get(fresh)).status, 200)
    assert.equal(asked, 2)
  })

  // What nginx does with a connection that comes while it is reloaded.
  test(`a request that is refused by GOAWAY is asked again, ${on}`, async () => {
    client.close()
    client = another()
    leaving = 1
    asked = 0
    assert.equal((await get(fresh)).status, 200)
    assert.deepEqual([leaving, asked], [0, 1])
  })
}

test('not for ever', async () => {
  moves = Array.from({ length: 9 }, () => reset(NGHTTP2_REFUSED_STREAM))
  asked = 0
  await assert.rejects(get(true), /REFUSED_STREAM/)
  assert.equal(asked, 3)
})

test('one that breaks off otherwise may have been processed, and counts', async () => {
  moves = [reset(NGHTTP2_INTERNAL_ERROR)]
  asked = 0
  await assert.rejects(get(true), /INTERNAL_ERROR/)
  assert.equal(asked, 1)
})
