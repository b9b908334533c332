/** tls: files: a pair of the operator's own goes live and is exchanged while the site serves; a bad one touches nothing. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { $ } from 'zx'
import type { Deployment } from '../lib/deployment.mts'
import { type Pair, Pki } from '../lib/pki.mts'
import { deployment } from '../lib/shared.mts'
import { shown } from '../lib/shown.mts'
import { until } from '../lib/until.mts'
import { ArgumentWatch } from '../lib/watch.mts'

const DOMAIN = 'site.test'
let site: Deployment
let pki: Pki
let good: Pair
const shared = deployment({ domain: DOMAIN })
before(async () => {
  pki = await Pki.make()
  good = await pki.issued({ more: 'authorityInfoAccess=OCSP;URI:http://ocsp.test/' })
  site = await shared.take()
})
after(async () => {
  pki?.remove()
  await shared.leave()
})

test('04-stack installs the pair while the site serves; clients that know its root trust it, and no program has the key as an argument', async () => {
  site.configure({ tls: 'files', tls_files: { certificate: at('site.pem'), key: at('site.key') } })
  bring(good)
  const watch = await ArgumentWatch.start()
  try {
    assert.match(await site.unnoticed(stack), /Certificate: from the files/)
    const body = good.key.split('\n')[1] as string
    const seen = await watch.end()
    assert.ok(!seen.includes(body) && !seen.includes(Buffer.from(good.key).toString('base64').slice(0, 60)))
  } finally {
    watch.stop()
  }
  assert.equal(
    (await shown(site.ports.https)).serialNumber,
    new X509Certificate(good.certificate).serialNumber,
  )
  assert.equal(await asBrowser(), 200)
  const { stdout } = await $({ quiet: true })`stat -c %a:%u ${path.join(site.folder, 'nginx/tls/key.pem')}`
  assert.equal(stdout.trim(), '400:101')
  assert.equal((await site.get('/')).headers['strict-transport-security'], 'max-age=31536000')
  // It names an OCSP responder.
  assert.match(readFileSync(path.join(site.folder, 'nginx/live/site.conf'), 'utf8'), /^ssl_stapling on;$/m)
})

test('a second run changes nothing, and says so', async () => {
  const ids = await site.ids()
  const text = await stack()
  for (const line of text.split('\n').filter((line) => /^✓/.test(line))) assert.match(line, /nothing to do/)
  assert.deepEqual(await site.ids(), ids)
})

test('04-stack installs a renewed pair while the site serves, and warns of one that ends soon', async () => {
  good = await pki.issued({ days: 20 })
  bring(good)
  const text = await site.unnoticed(stack)
  assert.match(text, /! The certificate in .*site\.pem ends in 19 days: renew it and deploy again\./)
  assert.match(text, /Certificate: from the files/)
  const serial = new X509Certificate(good.certificate).serialNumber
  await until('it is shown', async () => (await shown(site.ports.https)).serialNumber === serial)
})

for (const [what, break_, sentence] of [
  [
    'the key of another certificate',
    async () => ({ ...good, key: (await pki.issued()).key }),
    /The key in .*site\.key does not belong to the certificate in .*site\.pem/,
  ],
  [
    'a chain in the wrong order',
    async () => ({ ...good, certificate: good.certificate + pki.intermediate + pki.root }),
    /The chain in .*site\.pem is not in order/,
  ],
  [
    'a certificate for another name',
    () => pki.issued({ names: 'DNS:other.test' }),
    /is not for site\.test; it names DNS:other\.test/,
  ],
  ['a certificate that has ended', () => pki.issued({ days: -1 }), /ended on \d{4}-/],
  [
    'no certificate at all',
    async () => ({ ...good, certificate: 'nothing' }),
    /contains no valid certificate in PEM form/,
  ],
  ['a key with a passphrase', async () => ({ ...good, key: await locked() }), /has a passphrase/],
] as const)
  test(`04-stack and deploy refuse ${what} before they touch anything`, async () => {
    bring(await break_())
    const serial = (await shown(site.ports.https)).serialNumber
    const before = await site.ids()
    for (const script of ['04-stack', 'deploy']) {
      // Nobody is there: what connects first would say so.
      const { exitCode, text } = await site.run(script, '--host', 'ssh://nobody@127.0.0.1:1')
      assert.equal(exitCode, 1)
      assert.match(text, sentence)
      assert.match(text, /State: nothing was contacted or changed\.\n {2}Next: {2}\S/)
      assert.doesNotMatch(text, /\n\s+at |cannot be reached|on ssh:/)
    }
    assert.equal((await shown(site.ports.https)).serialNumber, serial)
    assert.deepEqual(await site.ids(), before)
    bring(good)
  })

test('nginx refuses a pair: the old one stays', async () => {
  const conf = path.join(site.folder, 'nginx/live/nginx.conf')
  const whole = readFileSync(conf, 'utf8')
  const tls = path.join(site.folder, 'nginx/tls/certificate.pem')
  const before = readFileSync(tls, 'utf8')
  bring(await pki.issued())
  // What makes nginx refuse is another thing here; what counts is that it does.
  writeFileSync(conf, `${whole}\nnonsense;\n`)
  try {
    const { exitCode, text } = await site.run('04-stack')
    assert.equal(exitCode, 1)
    assert.match(text, /nginx refuses this certificate; the previous one stays installed/)
    assert.equal(readFileSync(tls, 'utf8'), before)
    assert.equal((await site.get('/')).status, 200)
  } finally {
    writeFileSync(conf, whole)
    bring(good)
  }
})

const at = (name: string) => path.join(pki.folder, name)

function bring({ certificate, key }: Pair): void {
  writeFileSync(at('site.pem'), certificate)
  writeFileSync(at('site.key'), key, { mode: 0o600 })
}

async function locked(): Promise<string> {
  writeFileSync(at('plain.key'), good.key)
  return (await $({ quiet: true })`openssl pkey -in ${at('plain.key')} -aes256 -passout pass:x`).stdout
}

function stack(): Promise<string> {
  return site.must('04-stack')
}

/** Status that a client gets that knows nothing but the root. */
function asBrowser(): Promise<number> {
  return new Promise((resolve, reject) => {
    const name = { servername: DOMAIN, headers: { Host: DOMAIN } }
    const options = {
      host: '127.0.0.1',
      port: site.ports.https,
      ...name,
      ca: pki.root,
      agent: false as const,
    }
    const request = https.get(options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
  })
}
