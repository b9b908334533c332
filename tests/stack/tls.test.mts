/** TLS as a client finds it: versions, ciphers, HTTP/2, and the way there from HTTP. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import http2 from 'node:http2'
import { after, before, test } from 'node:test'
import { $ } from 'zx'
import type { Deployment } from '../lib/deployment.mts'
import { message, raw } from '../lib/raw.mts'
import { deployment } from '../lib/shared.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('HTTP redirects to HTTPS for good, with port, path and query', async () => {
  const answers = ['GET', 'POST', 'HEAD'].map((method) =>
    raw(site.ports.http, message(method, '/some%20page?a=1&b=%2F'), false),
  )
  for (const { status, text } of await Promise.all(answers)) {
    assert.ok([301, 308].includes(status), text)
    assert.match(text, new RegExp(`^Location: ${site.origin}/some%20page\\?a=1&b=%2F\\r$`, 'im'))
  }
})

test('the server speaks TLS 1.2 and 1.3, and refuses 1.0 and 1.1', async () => {
  // At security level 0 the client would speak the old versions; the alert proves that the server did not want to.
  for (const version of ['tls1_2', 'tls1_3']) assert.match(await handshake(version), /Cipher is (?!\(NONE\))/)
  for (const version of ['tls1', 'tls1_1']) {
    const told = await handshake(version)
    assert.match(told, /alert protocol version/)
    assert.match(told, /Cipher is \(NONE\)/)
  }
})

test('the server takes only ciphers with forward secrecy and authenticated encryption', async () => {
  const { stdout } = await $({ quiet: true })`openssl ciphers -s -tls1_2 ALL:COMPLEMENTOFALL:@SECLEVEL=0`
  const known = stdout.trim().split(':')
  assert.ok(known.length > 40, stdout)
  const taken: string[] = []
  const client = async () => {
    for (let cipher = known.pop(); cipher; cipher = known.pop())
      if (/Cipher is (?!\(NONE\))/.test(await handshake('tls1_2', `${cipher}:@SECLEVEL=0`)))
        taken.push(cipher)
  }
  await Promise.all(Array.from({ length: 4 }, client))
  // The certificate is an ECDSA one; with an RSA one it would be the RSA half of nginx.conf's list.
  assert.deepEqual(taken.sort(), [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
  ])
})

test('the server gives no session ticket, does not compress, and lets no client renegotiate', async () => {
  const told = await handshake('tls1_2')
  assert.match(told, /Compression: NONE/)
  assert.doesNotMatch(told, /TLS session ticket/)
  const asked = await handshake('tls1_2', undefined, 'R\n')
  assert.match(asked, /RENEGOTIATING[\s\S]*(no renegotiation|unexpected|:error:|errno)/)
})

test('HTTP/2 works, agreed on by ALPN', async () => {
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

/**
 * What openssl told of a handshake.
 * @param version as openssl's flag has it
 * @param typed   what a person would type into the connection
 */
function handshake(version: string, ciphers = 'DEFAULT@SECLEVEL=0', typed = ''): Promise<string> {
  const options = ['s_client', '-connect', `127.0.0.1:${site.ports.https}`, `-${version}`]
  const weak = version === 'tls1_3' ? [] : ['-cipher', ciphers]
  return new Promise((resolve) => {
    const child = execFile('openssl', [...options, ...weak], { timeout: 60_000 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    )
    // One that refuses its own options ends without reading anything.
    child.stdin?.on('error', () => {})
    child.stdin?.end(typed)
  })
}
