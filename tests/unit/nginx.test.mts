/** What the load balancer is given, to the letter. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Certificate } from '../../scripts/lib/certificate.mts'
import { stackSchema } from '../../scripts/lib/config.mts'
import { siteConf } from '../../scripts/lib/nginx.mts'
import { defaults } from '../../scripts/lib/schema.mts'

describe('siteConf', () => {
  const stack = defaults(stackSchema)
  const own: Certificate = { fingerprint: 'ab12', selfSigned: true, issuer: 'x', ends: 0, ocsp: false }
  const real: Certificate = { ...own, selfSigned: false, ocsp: true }
  test('of the defaults: the name that the client used, no port', () => {
    assert.equal(
      siteConf(stack, own),
      `# certificate ab12
map $scheme $hsts {
  default "";
  https "";
}
ssl_stapling off;
map "" $site_name {
  default $host;
}
map "" $site_port {
  default "";
}
map $host $unknown_host {
  default 0;
}
map $request_uri $logged_uri {
  default $request_uri;
  "~*^(?<page>[^?]*)\\?(.*[&;?])?(password|token|secret|key|[^=&]*%[^=&]*)(=|&|;|$)" "$page?[redacted]";
}
limit_req_zone $binary_remote_addr zone=requests:10m rate=1000r/s;
limit_req zone=requests burst=1000 nodelay;
limit_conn_zone $binary_remote_addr zone=connections:10m;
limit_conn connections 500;
client_max_body_size 10m;
`,
    )
  })

  test('with a domain, another port, and nothing to redact', () => {
    const ports = { ...stack.ports, https: 8443 }
    const conf = siteConf({ ...stack, domain: 'shop.example.org', ports, log: { redact: [] } }, own)
    for (const block of [
      'map "" $site_name {\n  default shop.example.org;\n}',
      'map "" $site_port {\n  default ":8443";\n}',
      'map $host $unknown_host {\n  default 1;\n  shop.example.org 0;\n}',
      'map $request_uri $logged_uri {\n  default $request_uri;\n}',
    ])
      assert.ok(conf.includes(block), conf)
  })

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
