/** The site's clients: they trust the installed certificate, whoever issued it, and no other. */
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
/** The certificate that the server shows, and the installed one. */
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

/** Shows a certificate and installs it, unless another one is given to install. */
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

/** The body of the response, or the error. */
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

describe('trusts', () => {
  test('a self-signed certificate', async () => {
    show(await pki.selfSigned())
    assert.equal(await ask(), 'hello')
  })

  test('a certificate of an unknown CA, with its intermediate and without', async () => {
    show(await pki.issued())
    assert.equal(await ask(), 'hello')
    show(await pki.leaf())
    assert.equal(await ask(), 'hello')
  })

  test('a renewed certificate and, until the reload, the previous one; the file is read twice', async () => {
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

describe('refuses', () => {
  test('another certificate than the installed one, even by the same CA and for the same name', async () => {
    show(await pki.issued(), (await pki.issued()).certificate)
    assert.match(await ask(), /does not show the installed certificate \(.+\)/)
    assert.deepEqual(asked, [])
  })

  test('every certificate while none is installed', async () => {
    show(await pki.selfSigned(), '')
    assert.match(await ask(), /does not show the installed certificate/)
  })

  test('a certificate for another name, and an expired one', async () => {
    show(await pki.issued({ names: 'DNS:other.test' }))
    assert.match(await ask(), /does not match certificate's altnames/)
    show(await pki.selfSigned({ days: -1 }))
    assert.match(await ask(), /certificate has expired/)
  })

  test('a server that does not listen', async () => {
    const one = new Site({ address: '127.0.0.1', domain: '', http: 0, https: 1 }, async () => '')
    assert.match(await ask(one), /ECONNREFUSED/)
  })
})

describe('is requested', () => {
  test('by its domain, as server name and Host, with the port unless it is 443', async () => {
    show(await pki.issued())
    await ask()
    const { port } = server.address() as AddressInfo
    assert.deepEqual(asked, [{ host: `site.test:${port}`, name: 'site.test' }])
  })

  test('by its address if it has no domain', async () => {
    show(await pki.selfSigned({ names: 'IP:127.0.0.1,DNS:localhost' }))
    assert.equal(await ask(site('')), 'hello')
    assert.equal(await ask(site('', 'localhost')), 'hello')
    assert.deepEqual(
      asked.map(({ name }) => name),
      [false, 'localhost'],
    )
  })

  test('by an IPv6 address without the brackets of ssh', () => {
    const site = Site.of(new Host('ssh://root@[2001:db8::1]:2222'), defaults(stackSchema))
    assert.equal(site.location.address, '2001:db8::1')
    assert.equal(site.url('/'), 'https://[2001:db8::1]/')
  })

  test('without the ports 443 and 80', () => {
    const at = (https: number, http: number) =>
      new Site({ address: '2001:db8::1', domain: '', http, https }, async () => '')
    assert.equal(at(443, 80).url('/x'), 'https://[2001:db8::1]/x')
    assert.equal(at(8443, 80).url('/'), 'https://[2001:db8::1]:8443/')
    assert.deepEqual(at(443, 80).plain('/').headers, { Host: '[2001:db8::1]' })
    assert.deepEqual(at(443, 81).plain('/').headers, { Host: '[2001:db8::1]:81' })
  })
})
