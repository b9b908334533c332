/** The site's certificate: what it names, when it is kept, when it is renewed, and that clients see the new one. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { $ } from 'zx'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { ensureCertificate } from '../../scripts/lib/edge/certificate.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { deployment } from '../lib/shared.mts'
import { until } from '../lib/until.mts'

const quiet = $({ quiet: true })
/** More letters than a common name may have, and than nginx has room for by default. */
const LONG = `new.${'a-long-name.'.repeat(15)}example.test`
let site: Deployment
const shared = deployment({ domain: 'site.test' })
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('the certificate names localhost, the machine, its addresses and the configured domain', () => {
  const certificate = new X509Certificate(site.certificate)
  for (const name of ['localhost', hostname(), 'site.test'])
    assert.ok(certificate.checkHost(name), `${name} in ${certificate.subjectAltName}`)
  const own = Object.entries(networkInterfaces()).filter(([name]) => !/^(docker|br-|veth)/.test(name))
  const addresses = own.flatMap(([, each]) => each ?? []).filter(({ scopeid }) => !scopeid)
  assert.ok(addresses.length > 1)
  for (const { address } of addresses)
    assert.ok(certificate.checkIP(address), `${address} in ${certificate.subjectAltName}`)
  assert.ok(!certificate.checkHost('test'))
  const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000
  assert.ok(days > 365 && days <= 825, `${days} days`)
})

test('nginx serves this certificate, and only the load balancer can read its key', async () => {
  assert.equal(await served(), serial())
  const { stdout } = await quiet`stat -c %a:%u ${file('key.pem')}`
  assert.equal(stdout.trim(), '400:101')
})

test('a second run keeps the certificate, and gives the load balancer the files that a strict umask closed', async () => {
  const before = serial()
  const closed = ['compose', 'postgres', 'nginx', 'nginx/tls/', 'nginx/live/'].map((name) =>
    path.join(site.folder, name),
  )
  await quiet`chmod 700 ${closed}`
  await quiet`chmod 600 ${file('certificate.pem')} ${file('key.pem')}`
  assert.match(await stack(), /Certificate: fits and lasts: nothing to do/)
  assert.equal(serial(), before)
  assert.equal(await served(), before)
  const { stdout } = await quiet`stat -Lc %a ${closed} ${file('certificate.pem')} ${file('key.pem')}`
  assert.deepEqual(stdout.trim().split('\n'), ['755', '755', '755', '755', '755', '644', '400'])
})

test('04-stack renews a certificate that ends within 30 days, while the site serves', async () => {
  for (const [days, renewed] of [
    [31, false],
    [2, true],
  ] as const) {
    await replace(days)
    const before = serial()
    const { exitCode, stdout } = await site.run('status')
    assert.equal(exitCode, renewed ? 1 : 0, stdout)
    if (renewed) {
      assert.match(stdout, /^✗ The certificate expires in 1 day\n {2}Next: npx zx scripts\/04-stack\.mts\n/)
      assert.match((await site.run('verify')).text, /✗ Everything is available by HTTPS: .*ends in 1 day/)
    }
    assert.match(await site.unnoticed(stack), renewed ? /ends soon/ : /nothing to do/)
    assert.equal(serial() !== before, renewed)
    assert.equal(await served(), serial())
  }
})

testLong('04-stack renews a certificate that has expired; until then status and verify are red', async () => {
  await replace(-1)
  assert.match((await site.run('status')).stdout, /^✗ The certificate has expired\n/)
  assert.match((await site.run('verify')).text, /✗ Everything is available by HTTPS: /)
  assert.match(await stack(), /ends soon/)
  assert.equal((await site.get('/')).status, 200)
})

test('04-stack renews a certificate that does not fit its key, while the site serves', async () => {
  const before = serial()
  await quiet`openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:prime256v1 -out ${file('key.pem')}`
  assert.match(await site.unnoticed(stack), /the key did not belong to the old one/)
  assert.notEqual(serial(), before)
  assert.equal(await served(), serial())
})

test('04-stack makes a new certificate when the old one is broken or missing', async () => {
  for (const command of [['truncate', '-s', '100'], ['rm']]) {
    await quiet`${command} ${file('certificate.pem')}`
    await stack()
    assert.equal(await served(), serial())
  }
})

testLong('another domain makes another certificate, and the redirect leads there', async () => {
  site.configure({ domain: LONG })
  assert.match(await stack(), /did not name new\.a-long-name\./)
  assert.ok(new X509Certificate(site.certificate).checkHost(LONG))
  assert.equal(await served(), serial())
  const told = await fetch(`http://localhost:${site.ports.http}/x?y`, { redirect: 'manual' })
  assert.equal(told.headers.get('location'), `https://${LONG}:${site.ports.https}/x?y`)
  site.configure({ domain: 'site.test' })
  await stack()
})

const file = (name: string) => path.join(site.folder, 'nginx/tls', name)
const serial = () => new X509Certificate(site.certificate).serialNumber

/** Puts a certificate with another end in place, as good as ours otherwise, and lets nginx show it. */
async function replace(days: number): Promise<void> {
  const names = 'subjectAltName=DNS:localhost,DNS:site.test'
  await quiet`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -addext ${names} -keyout ${file('key.pem')} -out ${file('certificate.pem')}`
  // Only x509 takes an end that is over.
  await quiet`openssl x509 -in ${file('certificate.pem')} -signkey ${file('key.pem')} -days ${days} -out ${file('certificate.pem.next')}`
  await quiet`mv ${file('certificate.pem.next')} ${file('certificate.pem')}`
  await quiet`chown 101 ${file('key.pem')}`
  // Not a reload: for a moment a worker of before would still show its own.
  await docker`docker restart ${site.project}-lb-1`
  // Docker takes connections before nginx runs, and closes them.
  const shown = () => served().catch(() => 'none')
  await until('the new certificate is shown', async () => (await shown()) === serial())
}

/** Serial number of the certificate that a client is shown now. */
function served(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port: site.ports.https, host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })
}

function stack(): Promise<string> {
  return site.must('04-stack')
}

test('the certificate names addresses of every kind, a link-local one without its zone', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  for (const address of ['2001:db8::1', 'fe80::1%eth0', '192.0.2.1', 'prod']) {
    const stack = { ...defaults(stackSchema), project: 'prusa-test-none', folder, address }
    assert.match(await ensureCertificate(new Host('local'), stack), /^made by openssl/)
    const named = new X509Certificate(readFileSync(path.join(folder, 'nginx/tls/certificate.pem')))
    assert.ok(named.checkHost(address) ?? named.checkIP(address.replace('%eth0', '')), named.subjectAltName)
    assert.equal(await ensureCertificate(new Host('local'), stack), '')
  }
  rmSync(folder, { recursive: true })
})
