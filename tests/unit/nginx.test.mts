/** What the load balancer is given, to the letter. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Certificate } from '../../scripts/lib/certificate.mts'
import { stackSchema } from '../../scripts/lib/config.mts'
import { backupConf, parseUpstream, siteConf, upstreamConf } from '../../scripts/lib/nginx.mts'
import { defaults } from '../../scripts/lib/schema.mts'

describe('upstreamConf', () => {
  const members = [
    { name: 'prusa-app-1', address: '172.18.0.3', release: '1a2b' },
    { name: 'prusa-app-12', address: '', release: '1a2b' },
  ]
  test('each by its name', () => {
    assert.equal(
      upstreamConf(members),
      `# For the access log.
map $upstream_addr $release {
  default "";
  "~(^| )172\\.18\\.0\\.3:5000$" 1a2b;
}

# A backup is a replica's second name: each is still asked once at most.
proxy_next_upstream_tries 2;

upstream app {
  zone app 256k;
  server prusa-app-1:5000 resolve max_fails=1 fail_timeout=1s;
  server prusa-app-12:5000 resolve max_fails=1 fail_timeout=1s;
  include /tmp/backup*.conf;
  keepalive 32;
}
`,
    )
  })

  test('and by its address, for the time until the name is resolved', () => {
    assert.equal(backupConf(members), 'server 172.18.0.3:5000 backup max_fails=0;\n')
  })

  test('without replicas a server that is down, since nginx wants one', () => {
    assert.equal(
      upstreamConf([]),
      `# For the access log.
map $upstream_addr $release {
  default "";
}

# A backup is a replica's second name: each is still asked once at most.
proxy_next_upstream_tries 0;

upstream app {
  zone app 256k;
  server 127.0.0.1:1 down;
  include /tmp/backup*.conf;
  keepalive 32;
}
`,
    )
  })
})

test('parseUpstream reads back what upstreamConf wrote', () => {
  for (let number = 0; number <= 16; number++) {
    const names = Array.from({ length: number }, (_, index) => `my-project2-app-${index + 1}`)
    const members = names.map((name, index) => ({ name, address: `172.18.0.${index + 2}`, release: '1a2b' }))
    assert.deepEqual(parseUpstream(upstreamConf(members)), names)
  }
  assert.deepEqual(parseUpstream(''), [])
  assert.deepEqual(parseUpstream('  # server prusa-app-1:5000 resolve;\n'), [])
})

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
proxy_read_timeout 15s;
proxy_next_upstream_timeout 20s;
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
