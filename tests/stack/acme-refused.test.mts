/** tls: letsencrypt when the CA refuses: the site stays up on what it has, and the operator reads why. Then back. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type AcmeSite, acmeSite, DOMAIN } from '../lib/acme.mts'
import type { Deployment } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { shown } from '../lib/shown.mts'

let acme: AcmeSite
let site: Deployment
before(async () => {
  acme = await acmeSite.take()
  site = acme.site
})
after(() => acmeSite.leave())

test('the CA refuses a renewal: the site keeps its certificate', async () => {
  await acme.stack()
  const serial = (await shown(site.ports.https)).serialNumber
  await acme.pebble.lead(DOMAIN, await acme.elsewhere())
  try {
    await acme.site.unnoticed(async () => {
      const { exitCode, text } = await acme.renewNow()
      assert.equal(exitCode, 1)
      assert.match(text, /Connection refused|connection/i)
    })
    assert.equal((await shown(site.ports.https)).serialNumber, serial)
    assert.match(
      (await site.run('status')).stdout,
      /^✗ The certificate is not renewed automatically: it failed at .* UTC\n {2}Next: npx zx scripts\/04-stack\.mts\n/,
    )
    // A refused new order is only a warning, since the site still has its certificate.
    acme.forget()
    const text = await acme.site.unnoticed(() => acme.stack())
    assert.match(
      text,
      /! The certificate of site\.test was not renewed: the CA cannot reach http:\/\/site\.test\/ on port 80 \(.+\)\. The one by .*Pebble.* is valid until \d{4}-\d\d-\d\d; the server tries again twice a day\./,
    )
    assert.equal((await shown(site.ports.https)).serialNumber, serial)
  } finally {
    await acme.pebble.lead(DOMAIN, '127.0.0.1')
  }
})

for (const [run, what, settings, sentence] of [
  [
    test,
    'the domain leads elsewhere',
    { domain: DOMAIN },
    /the CA cannot reach http:\/\/site\.test\/ on port 80 \(.*refused/i,
  ],
  [
    testLong,
    'the ACME server is not there',
    { domain: DOMAIN, letsencrypt: { directory: 'https://127.0.0.1:1/dir' } },
    /this server cannot reach the ACME server https:\/\/127\.0\.0\.1:1\/dir \(/,
  ],
  [
    testLong,
    'nobody vouches for the ACME server',
    { domain: DOMAIN, letsencrypt: { ca: '' } },
    /this server does not trust the certificate of the ACME server .* \(/,
  ],
  [
    testLong,
    'the CA does not issue for the domain',
    { domain: 'blocked.test' },
    /the CA does not issue for blocked\.test \(/,
  ],
] as const)
  run(
    `${what}: exit code 1, the reason in words, and the site stays up on its self-signed certificate`,
    async () => {
      await acme.pebble.lead(DOMAIN, await acme.elsewhere())
      acme.forget()
      await selfSigned(settings.domain)
      const before = (await shown(site.ports.https)).serialNumber
      site.configure({ tls: 'letsencrypt', letsencrypt: acme.pebble.settings })
      site.configure(settings)
      await site.unnoticed(async () => {
        const { exitCode, text } = await site.run('04-stack')
        assert.equal(exitCode, 1, text)
        assert.match(text, sentence)
        assert.match(
          text,
          /State: the site is up with its self-signed certificate, which is valid until .*\n\s+Next: .*npx zx scripts\/04-stack\.mts/,
        )
        assert.doesNotMatch(text, /\n\s+at |Traceback/)
      })
      assert.equal((await shown(site.ports.https)).serialNumber, before)
      assert.equal((await site.get('/')).headers['strict-transport-security'], undefined)
    },
  )

/** Puts a self-signed certificate for the domain in place, where another one is. */
async function selfSigned(domain: string): Promise<void> {
  const certificate = await shown(site.ports.https)
  if (certificate.issuer === certificate.subject && certificate.checkHost(domain)) return
  site.configure({ tls: 'self-signed', domain })
  await acme.stack()
}

test('tls: self-signed again removes the timer, and the site serves on', async () => {
  await acme.pebble.lead(DOMAIN, '127.0.0.1')
  site.configure({ tls: 'letsencrypt', domain: DOMAIN, letsencrypt: acme.pebble.settings })
  assert.match(await acme.stack(), /issued/)
  assert.doesNotMatch((await site.run('status')).stdout, /✗/)
  site.configure({ tls: 'self-signed' })
  const text = await acme.stack()
  assert.match(text, /Certificate: made by openssl \(the old one was issued by a CA\)/)
  assert.match(text, /Renewal: timer removed/)
  const answer = await site.get('/')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['strict-transport-security'], undefined)
  for (const left of [
    acme.file('letsencrypt/renew'),
    `/etc/cron.d/${site.project}-certificate`,
    `/etc/systemd/system/${site.project}-certificate.timer`,
  ])
    assert.ok(!existsSync(left), left)
  assert.doesNotMatch(await acme.stack(), /Renewal/)
})
