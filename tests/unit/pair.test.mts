/** A certificate and key of the operator's own: what is wrong with them is told before anything is touched. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { checkPair, readPair } from '../../scripts/lib/edge/pair.mts'
import { type Pair, Pki } from '../lib/pki.mts'
import { refusal } from '../lib/refusal.mts'

let pki: Pki
let good: Pair
let other: Pair
before(async () => {
  pki = await Pki.make()
  good = await pki.issued({ days: 90 })
  other = await pki.issued()
})
after(() => pki?.remove())

const DAY = 86_400_000
const check = ({ certificate, key }: Pair, domain = 'site.test', now = Date.now()) =>
  checkPair({ file: 'site.pem', text: certificate }, { file: 'site.key', text: key }, domain, now)
const refused = (pair: Pair, domain?: string, now?: number) => refusal(() => check(pair, domain, now))
function rsa(bits: number): Pair {
  const at = (name: string) => path.join(pki.folder, name)
  const names = 'subjectAltName=DNS:site.test'
  const made = ['-newkey', `rsa:${bits}`, '-nodes', '-days', '90', '-subj', '/CN=x', '-addext', names]
  const files = ['-keyout', at('rsa.key'), '-out', at('rsa.pem')]
  execFileSync('openssl', ['req', '-x509', ...made, ...files], { stdio: 'ignore' })
  return { certificate: readFileSync(at('rsa.pem'), 'utf8'), key: readFileSync(at('rsa.key'), 'utf8') }
}
const leafOf = ({ certificate }: Pair) => `${certificate.split('-----END')[0]}-----END CERTIFICATE-----\n`

describe('taken:', () => {
  test('leaf and intermediate; the root behind them too; for a wildcard; without a domain', async () => {
    assert.deepEqual(check(good).warnings, [])
    assert.equal(check(good).certificate, good.certificate)
    assert.deepEqual(check({ ...good, certificate: good.certificate + pki.root }).warnings, [])
    check(await pki.issued({ names: 'DNS:*.site.test' }), 'www.site.test')
    check(good, '')
  })

  test('an RSA key of 2048 bits (and none of 1024), and a self-signed pair', async () => {
    check(await pki.selfSigned())
    check(rsa(2048))
    assert.match(
      refused(rsa(1024)),
      /✗ The key in site\.key is too small for nginx, which takes RSA keys from 2048 bits on\n/,
    )
  })

  test('nothing but certificates goes to the server as the certificate, whatever else the file holds', () => {
    const { certificate } = check({ ...good, certificate: `a comment\n${good.key}${good.certificate}` })
    assert.equal(certificate, good.certificate)
  })

  test('the key is a secret', () => {
    assert.equal(String(check(good).key), '[redacted]')
    assert.equal(check(good).key.reveal(), good.key)
  })
})

describe('warned of:', () => {
  test('less than 30 days left', () => {
    assert.deepEqual(check(good, 'site.test', Date.now() + 61 * DAY).warnings, [
      'The certificate in site.pem ends in 28 days: renew it and deploy again.',
    ])
    assert.deepEqual(check(good, 'site.test', Date.now() + 59 * DAY).warnings, [])
  })

  test('a CA’s certificate without the intermediates', () => {
    assert.deepEqual(check({ ...good, certificate: leafOf(good) }).warnings, [
      'site.pem holds the site’s certificate alone: clients that do not know its issuer will refuse it; append the intermediates.',
    ])
  })
})

describe('refused:', () => {
  const end = '\n  State: nothing was contacted or changed.\n  Next:  '

  test('a key of another certificate', () => {
    assert.equal(
      refused({ ...good, key: other.key }),
      `\n✗ The key in site.key does not fit the certificate in site.pem${end}Give the key that the certificate was asked for with: tls_files.key in config/stack.yaml. The site’s own certificate comes first in its file.`,
    )
  })

  test('a chain in the wrong order, with a stranger in it, or with the issuer first', () => {
    const order = `${leafOf(good)}${pki.root}${pki.intermediate}`
    assert.match(
      refused({ ...good, certificate: order }),
      /✗ The chain in site\.pem is not in order: certificate 2 \(Test Root\) did not issue certificate 1 \(Test Leaf\)\n/,
    )
    const stranger = `${good.certificate}${leafOf(other)}`
    assert.match(
      refused({ ...good, certificate: stranger }),
      /certificate 3 \(Test Leaf\) did not issue certificate 2 \(Test Intermediate\)/,
    )
    const reversed = `${pki.intermediate}${leafOf(good)}`
    assert.match(
      refused({ ...good, certificate: reversed }),
      /✗ The key in site\.key does not fit .*\n.*\n.* The site’s own certificate comes first in its file\.$/,
    )
  })

  test('a certificate for another name', () => {
    assert.equal(
      refused(good, 'www.example.org'),
      `\n✗ The certificate in site.pem is not for www.example.org; it names DNS:site.test, DNS:localhost${end}Get one for www.example.org, or correct domain in config/stack.yaml.`,
    )
  })

  test('one that has ended, or has not begun', () => {
    assert.match(
      refused(good, 'site.test', Date.now() + 91 * DAY),
      /✗ The certificate of Test Leaf in site\.pem ended on \d{4}-\d\d-\d\d\n.*\n {2}Next: {2}Renew it and run again\.$/,
    )
    assert.match(refused(good, 'site.test', Date.now() - 2 * DAY), /is valid from \d{4}-\d\d-\d\d only/)
  })

  test('a key with a passphrase', () => {
    const key = path.join(pki.folder, 'locked.key')
    writeFileSync(key, good.key)
    const locked = execFileSync('openssl', ['pkey', '-in', key, '-aes256', '-passout', 'pass:x'], {
      encoding: 'utf8',
    })
    assert.match(
      refused({ ...good, key: locked }),
      /✗ The key in site\.key has a passphrase, .*\n.*\n {2}Next: {2}Take it off: openssl pkey -in site\.key -out key\.pem$/,
    )
  })

  test('files that are something else', () => {
    assert.match(refused({ ...good, certificate: good.key }), /✗ site\.pem holds no certificate in PEM form/)
    assert.match(refused({ ...good, key: good.certificate }), /✗ site\.key holds no private key in PEM form/)
    const broken = good.certificate.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n')
    assert.match(
      refused({ ...good, certificate: broken }),
      /✗ site\.pem holds no certificate in PEM form \(wrong tag\)/,
    )
  })

  test('files that are not there, or are folders', () => {
    const stack = { ...defaults(stackSchema), tls: 'files' as const }
    const folder = path.join(pki.folder, 'folder')
    mkdirSync(folder, { recursive: true })
    const read = (certificate: string) =>
      refusal(() => readPair({ ...stack, tls_files: { certificate, key: folder } }))
    assert.match(
      read(path.join(folder, 'x.pem')),
      /✗ The file .*x\.pem cannot be read: no such file or directory\n.*\n {2}Next: {2}Correct tls_files\.certificate in config\/stack\.yaml\./,
    )
    assert.match(read(folder), /cannot be read: illegal operation on a directory/)
  })
})

test('with another tls the files are not even read', () => {
  const stack = { ...defaults(stackSchema), tls_files: { certificate: '/nowhere', key: '/nowhere' } }
  assert.equal(readPair(stack), undefined)
})
