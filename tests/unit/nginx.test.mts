/** What the load balancer is given; what comes of it is seen in stack/headers and stack/limits. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import type { Certificate } from '../../scripts/lib/edge/certificate.mts'
import { siteConf } from '../../scripts/lib/edge/nginx.mts'

describe('siteConf', () => {
  const stack = defaults(stackSchema)
  const own: Certificate = { fingerprint: 'ab12', selfSigned: true, issuer: 'x', ends: 0, ocsp: false }
  const real: Certificate = { ...own, selfSigned: false, ocsp: true }
  test('another certificate is another configuration', () => {
    assert.notEqual(siteConf(stack, own), siteConf(stack, { ...own, fingerprint: 'ab13' }))
  })

  const hsts = (tls: typeof stack.tls, certificate: Certificate) =>
    /https "(.*)";/.exec(siteConf({ ...stack, tls }, certificate))?.[1]
  test('HSTS for a year with a CA’s certificate, over HTTPS only, and without the words that bind other names', () => {
    for (const tls of ['letsencrypt', 'files'] as const) assert.equal(hsts(tls, real), 'max-age=31536000')
  })

  test('no HSTS on a self-signed certificate: while an issuance fails, in the operator’s own files, or as the default', () => {
    for (const tls of ['letsencrypt', 'files', 'self-signed'] as const) assert.equal(hsts(tls, own), '')
    assert.equal(hsts('self-signed', real), '')
  })

  test('OCSP is stapled where the certificate names a responder', () => {
    const stapling = (certificate: Certificate) =>
      /ssl_stapling (\w+);/.exec(siteConf({ ...stack, tls: 'files' }, certificate))?.[1]
    assert.deepEqual(
      [stapling(real), stapling({ ...real, ocsp: false }), stapling(own)],
      ['on', 'off', 'off'],
    )
  })
})
