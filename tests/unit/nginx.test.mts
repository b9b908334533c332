/** site.conf of nginx; stack/headers and stack/limits show its effect. */
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
  test('another certificate makes another configuration', () => {
    assert.notEqual(siteConf(stack, own), siteConf(stack, { ...own, fingerprint: 'ab13' }))
  })

  const hsts = (tls: typeof stack.tls, certificate: Certificate) =>
    /https "(.*)";/.exec(siteConf({ ...stack, tls }, certificate))?.[1]
  test('HSTS for a year with a CA’s certificate, only over HTTPS and only for this name', () => {
    for (const tls of ['letsencrypt', 'files'] as const) assert.equal(hsts(tls, real), 'max-age=31536000')
  })

  test('no HSTS with a self-signed certificate, whatever tls says', () => {
    for (const tls of ['letsencrypt', 'files', 'self-signed'] as const) assert.equal(hsts(tls, own), '')
    assert.equal(hsts('self-signed', real), '')
  })

  test('OCSP is stapled if the certificate names a responder', () => {
    const stapling = (certificate: Certificate) =>
      /ssl_stapling (\w+);/.exec(siteConf({ ...stack, tls: 'files' }, certificate))?.[1]
    assert.deepEqual(
      [stapling(real), stapling({ ...real, ocsp: false }), stapling(own)],
      ['on', 'off', 'off'],
    )
  })
})
