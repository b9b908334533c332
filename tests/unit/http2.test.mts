/** The probe's HTTP/2 client: a request that the server refused was not processed and is sent again; any other failure counts. */
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
/** What the server does with the next requests; it answers the ones after them. */
let moves: ((stream: ServerHttp2Stream) => void)[] = []
/** How many of the next connections get GOAWAY at once. */
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
  test(`a request refused by RST_STREAM is sent again, ${on}`, async () => {
    moves = [reset(NGHTTP2_REFUSED_STREAM)]
    asked = 0
    assert.equal((await get(fresh)).status, 200)
    assert.equal(asked, 2)
  })

  // nginx does this to a connection that comes during a reload.
  test(`a request refused by GOAWAY is sent again, ${on}`, async () => {
    client.close()
    client = another()
    leaving = 1
    asked = 0
    assert.equal((await get(fresh)).status, 200)
    assert.deepEqual([leaving, asked], [0, 1])
  })
}

test('a request is sent three times at most', async () => {
  moves = Array.from({ length: 9 }, () => reset(NGHTTP2_REFUSED_STREAM))
  asked = 0
  await assert.rejects(get(true), /REFUSED_STREAM/)
  assert.equal(asked, 3)
})

test('a request that fails otherwise may have been processed and is not sent again', async () => {
  moves = [reset(NGHTTP2_INTERNAL_ERROR)]
  asked = 0
  await assert.rejects(get(true), /INTERNAL_ERROR/)
  assert.equal(asked, 1)
})
