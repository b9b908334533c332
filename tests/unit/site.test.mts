/** Whose answer counts as the site's: its own certificate whoever issued it, and nobody else's. */
import assert from 'node:assert/strict'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Site } from '../../scripts/lib/edge/site.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { type Pair, Pki } from '../lib/pki.mts'

let pki: Pki
let server: https.Server
/** What the server shows, and what is installed. */
let shown: Pair
let installed: string
let reads: number
const asked: { host: string | undefined; name: string | false }[] = []

before(async () => {
  pki = await Pki.make()
  shown = await pki.selfSigned()
  const options = { cert: shown.certificate, key: shown.key }
  server = https.createServer(options, (request, response) => {
    asked.push({
      host: request.headers.host,
      name: (request.socket as { servername?: string }).servername ?? '',
    })
    response.end('hello')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(() => {
  server?.close()
  pki?.remove()
})
beforeEach(() => {
  reads = 0
  asked.length = 0
})

/** Shows a pair and installs it, or another certificate. */
function show(pair: Pair, certificate = pair.certificate): void {
  shown = pair
  installed = certificate
  server.setSecureContext({ cert: pair.certificate, key: pair.key })
}

function site(domain = 'site.test', address = '127.0.0.1'): Site {
  const { port } = server.address() as AddressInfo
  return new Site({ address, domain, http: 0, https: port }, async () => {
    reads++
    return installed
  })
}

/** What a client of the site is told: the body, or why it got none. */
function ask(one = site()): Promise<string> {
  return new Promise((resolve) => {
    const request = https.get(one.secure('/', one.agent()), (response) => {
      let body = ''
      response.on('data', (data) => {
        body += data
      })
      response.on('end', () => resolve(body))
    })
    request.on('error', (error) => resolve(error.message))
  })
}

describe('believed:', () => {
  test('a self-signed certificate', async () => {
    show(await pki.selfSigned())
    assert.equal(await ask(), 'hello')
  })

  test('one of a CA that this machine does not know, with the intermediate and without it', async () => {
    show(await pki.issued())
    assert.equal(await ask(), 'hello')
    show(await pki.leaf())
    assert.equal(await ask(), 'hello')
  })

  test('one that was renewed while somebody asks, and until the reload the one before; read twice in all', async () => {
    show(await pki.issued())
    const one = site()
    assert.equal(await ask(one), 'hello')
    const before = shown
    show(await pki.issued())
    assert.equal(await ask(one), 'hello')
    server.setSecureContext({ cert: before.certificate, key: before.key })
    assert.equal(await ask(one), 'hello')
    assert.equal(reads, 2)
  })
})

describe('refused:', () => {
  test('another certificate than the installed one, by the same CA and for the same name too', async () => {
    show(await pki.issued(), (await pki.issued()).certificate)
    assert.match(await ask(), /another certificate than the stack’s \(.+\)/)
    assert.deepEqual(asked, [])
  })

  test('any while none is installed', async () => {
    show(await pki.selfSigned(), '')
    assert.match(await ask(), /another certificate/)
  })

  test('one for another name, one that has ended, one that has not begun', async () => {
    show(await pki.issued({ names: 'DNS:other.test' }))
    assert.match(await ask(), /does not match certificate's altnames/)
    show(await pki.selfSigned({ days: -1 }))
    assert.match(await ask(), /certificate has expired/)
  })

  test('a server that does not speak TLS, or is not there', async () => {
    const one = new Site({ address: '127.0.0.1', domain: '', http: 0, https: 1 }, async () => '')
    assert.match(await ask(one), /ECONNREFUSED/)
  })
})

describe('called', () => {
  test('by its domain: server name and Host, with the port where it is not the usual one', async () => {
    show(await pki.issued())
    await ask()
    const { port } = server.address() as AddressInfo
    assert.deepEqual(asked, [{ host: `site.test:${port}`, name: 'site.test' }])
  })

  test('without a domain by the address that it is reached at', async () => {
    show(await pki.selfSigned({ names: 'IP:127.0.0.1,DNS:localhost' }))
    assert.equal(await ask(site('')), 'hello')
    assert.equal(await ask(site('', 'localhost')), 'hello')
    assert.deepEqual(
      asked.map(({ name }) => name),
      [false, 'localhost'],
    )
  })

  test('an IPv6 address of ssh’s without its brackets', () => {
    const site = Site.of(new Host('ssh://root@[2001:db8::1]:2222'), defaults(stackSchema))
    assert.equal(site.place.address, '2001:db8::1')
    assert.equal(site.url('/'), 'https://[2001:db8::1]/')
  })

  test('the usual ports are not named', () => {
    const at = (https: number, http: number) =>
      new Site({ address: '2001:db8::1', domain: '', http, https }, async () => '')
    assert.equal(at(443, 80).url('/x'), 'https://[2001:db8::1]/x')
    assert.equal(at(8443, 80).url('/'), 'https://[2001:db8::1]:8443/')
    assert.deepEqual(at(443, 80).plain('/').headers, { Host: '[2001:db8::1]' })
    assert.deepEqual(at(443, 81).plain('/').headers, { Host: '[2001:db8::1]:81' })
  })
})
