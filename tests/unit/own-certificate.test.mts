/** The operator's own certificate and key: their faults are reported before anything is contacted. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { checkOwnCertificate, readOwnCertificate } from '../../scripts/lib/edge/own-certificate.mts'
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
  checkOwnCertificate({ file: 'site.pem', text: certificate }, { file: 'site.key', text: key }, domain, now)
const refused = (pair: Pair, domain?: string, now?: number) => refusal(() => check(pair, domain, now))
function rsa(): Pair {
  const at = (name: string) => path.join(pki.folder, name)
  const names = 'subjectAltName=DNS:site.test'
  const made = ['-newkey', 'rsa:2048', '-nodes', '-days', '90', '-subj', '/CN=x', '-addext', names]
  const files = ['-keyout', at('rsa.key'), '-out', at('rsa.pem')]
  execFileSync('openssl', ['req', '-x509', ...made, ...files], { stdio: 'ignore' })
  return { certificate: readFileSync(at('rsa.pem'), 'utf8'), key: readFileSync(at('rsa.key'), 'utf8') }
}
const leafOf = ({ certificate }: Pair) => `${certificate.split('-----END')[0]}-----END CERTIFICATE-----\n`

describe('accepted', () => {
  test('leaf and intermediate, also with the root, for a wildcard, and without a domain', async () => {
    assert.deepEqual(check(good).warnings, [])
    assert.equal(check(good).certificate, good.certificate)
    assert.deepEqual(check({ ...good, certificate: good.certificate + pki.root }).warnings, [])
    check(await pki.issued({ names: 'DNS:*.site.test' }), 'www.site.test')
    check(good, '')
  })

  test('an RSA key, and a self-signed certificate', async () => {
    check(await pki.selfSigned())
    check(rsa())
  })

  test('only the certificates of the file go to the server', () => {
    const { certificate } = check({ ...good, certificate: `a comment\n${good.key}${good.certificate}` })
    assert.equal(certificate, good.certificate)
  })

  test('the key is a secret', () => {
    assert.equal(String(check(good).key), '[redacted]')
    assert.equal(check(good).key.reveal(), good.key)
  })
})

describe('warned of', () => {
  test('less than 30 days left', () => {
    assert.deepEqual(check(good, 'site.test', Date.now() + 61 * DAY).warnings, [
      'The certificate in site.pem ends in 28 days: renew it and deploy again.',
    ])
    assert.deepEqual(check(good, 'site.test', Date.now() + 59 * DAY).warnings, [])
  })

  test('a CA’s certificate without intermediates', () => {
    assert.deepEqual(check({ ...good, certificate: leafOf(good) }).warnings, [
      'site.pem contains only the site’s certificate: clients that do not know its issuer will refuse it. Append the intermediate certificates.',
    ])
  })
})

describe('refused', () => {
  const end = '\n  State: nothing was contacted or changed.\n  Next:  '

  test('the key of another certificate', () => {
    assert.equal(
      refused({ ...good, key: other.key }),
      `\n✗ The key in site.key does not belong to the certificate in site.pem${end}Correct tls_files.key in config/stack.yaml. The site’s own certificate must come first in its file.`,
    )
  })

  test('a chain in the wrong order, with a foreign certificate, or with the issuer first', () => {
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
      /✗ The key in site\.key does not belong .*\n.*\n.* The site’s own certificate must come first in its file\.$/,
    )
  })

  test('a certificate for another name', () => {
    assert.equal(
      refused(good, 'www.example.org'),
      `\n✗ The certificate in site.pem is not for www.example.org; it names DNS:site.test, DNS:localhost${end}Get a certificate for www.example.org, or correct domain in config/stack.yaml.`,
    )
  })

  test('an expired certificate, and one that is not valid yet', () => {
    assert.match(
      refused(good, 'site.test', Date.now() + 91 * DAY),
      /✗ The certificate of Test Leaf in site\.pem ended on \d{4}-\d\d-\d\d\n.*\n {2}Next: {2}Renew it and run again\.$/,
    )
    assert.match(refused(good, 'site.test', Date.now() - 2 * DAY), /is not valid before \d{4}-\d\d-\d\d/)
  })

  test('a key with a passphrase', () => {
    const key = path.join(pki.folder, 'locked.key')
    writeFileSync(key, good.key)
    const locked = execFileSync('openssl', ['pkey', '-in', key, '-aes256', '-passout', 'pass:x'], {
      encoding: 'utf8',
    })
    assert.match(
      refused({ ...good, key: locked }),
      /✗ The key in site\.key has a passphrase, .*\n.*\n {2}Next: {2}Remove it: openssl pkey -in site\.key -out key\.pem$/,
    )
  })

  test('files that contain something else', () => {
    assert.match(
      refused({ ...good, certificate: good.key }),
      /✗ site\.pem contains no valid certificate in PEM form/,
    )
    assert.match(
      refused({ ...good, key: good.certificate }),
      /✗ site\.key contains no private key in PEM form/,
    )
    const broken = good.certificate.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n')
    assert.match(
      refused({ ...good, certificate: broken }),
      /✗ site\.pem contains no valid certificate in PEM form/,
    )
  })

  test('missing files, and folders', () => {
    const stack = { ...defaults(stackSchema), tls: 'files' as const }
    const folder = path.join(pki.folder, 'folder')
    mkdirSync(folder, { recursive: true })
    const read = (certificate: string) =>
      refusal(() => readOwnCertificate({ ...stack, tls_files: { certificate, key: folder } }))
    assert.match(
      read(path.join(folder, 'x.pem')),
      /✗ The file .*x\.pem cannot be read: no such file or directory\n.*\n {2}Next: {2}Correct tls_files\.certificate in config\/stack\.yaml\./,
    )
    assert.match(read(folder), /cannot be read: illegal operation on a directory/)
  })
})

test('the files are not read with another tls', () => {
  const stack = { ...defaults(stackSchema), tls_files: { certificate: '/nowhere', key: '/nowhere' } }
  assert.equal(readOwnCertificate(stack), undefined)
})
