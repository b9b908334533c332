/** Facts of an installed certificate. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFacts } from '../../scripts/lib/edge/certificate.mts'
import { Pki } from '../lib/pki.mts'
import { refusal } from '../lib/refusal.mts'

let pki: Pki
before(async () => {
  pki = await Pki.make()
})
after(() => pki?.remove())

const ocsp = { more: 'authorityInfoAccess=OCSP;URI:http://ocsp.test/' }

test('a self-signed certificate', async () => {
  const facts = readFacts((await pki.selfSigned({ days: 10 })).certificate)
  assert.equal(facts.selfSigned, true)
  assert.equal(facts.ocsp, false)
  assert.ok(Math.abs(facts.ends - Date.now() - 10 * 86_400_000) < 60_000)
})

test('a certificate of a CA has its issuer’s name', async () => {
  const { selfSigned, issuer, ocsp } = readFacts((await pki.issued()).certificate)
  assert.deepEqual(
    { selfSigned, issuer, ocsp },
    { selfSigned: false, issuer: 'Test Intermediate', ocsp: false },
  )
})

test('OCSP can be stapled only if the issuer is in the file, too', async () => {
  assert.equal(readFacts((await pki.issued(ocsp)).certificate).ocsp, true)
  assert.equal(readFacts((await pki.leaf(ocsp)).certificate).ocsp, false)
})

test('another file has another fingerprint', async () => {
  const { certificate } = await pki.leaf()
  assert.notEqual(readFacts(certificate).fingerprint, readFacts(certificate + pki.intermediate).fingerprint)
})

test('a missing certificate is an error with the command that makes one', () => {
  assert.match(
    refusal(() => readFacts('')),
    /✗ The site’s certificate is missing or cannot be read\n {2}Next: {2}npx zx scripts\/04-stack\.mts/,
  )
})
