/** tls: letsencrypt against a real ACME server: issuance and renewal, the site asked all the while. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { $ } from 'zx'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { withLock } from '../../scripts/lib/host/lock.mts'
import { type AcmeSite, acmeSite, cron, DOMAIN } from '../lib/acme.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { message, raw } from '../lib/raw.mts'
import { shown } from '../lib/shown.mts'
import { until } from '../lib/until.mts'

const quiet = $({ quiet: true, nothrow: true })
let acme: AcmeSite
let site: Deployment
before(async () => {
  acme = await acmeSite.take()
  site = acme.site
})
after(() => acmeSite.leave())

test('04-stack gets a certificate from the CA while the site serves, and no request fails', async () => {
  assert.ok((await shown(site.ports.https)).issuer.includes(DOMAIN))
  const text = await acme.site.unnoticed(() => acme.stack())
  assert.match(text, /Certificate: fits and lasts: nothing to do/)
  assert.match(
    text,
    /Renewal: certificate of site\.test issued; renewed twice a day by (a systemd timer|cron)/,
  )
  const now = await shown(site.ports.https)
  assert.equal(now.serialNumber, new X509Certificate(site.certificate).serialNumber)
  assert.match(now.issuer, /Pebble Intermediate/)
  assert.ok((await acme.proofs()) > 0)
})

test('a client that knows only the CA’s root trusts the certificate; the site sends HSTS over HTTPS only', async () => {
  const { status, headers } = await asBrowser(await acme.pebble.root())
  assert.equal(status, 200)
  assert.equal(headers['strict-transport-security'], 'max-age=31536000')
  assert.equal((await site.get('/', {}, 'GET', false)).headers['strict-transport-security'], undefined)
})

test('only the load balancer can read the key, and only root certbot’s files', async () => {
  const { stdout } =
    await quiet`stat -L -c %a:%u ${acme.file('nginx/tls/key.pem')} ${acme.file('nginx/tls/certificate.pem')} ${acme.file('letsencrypt')} ${acme.file('letsencrypt/renew')}`
  assert.deepEqual(stdout.trim().split('\n'), ['400:101', '644:0', '700:0', '700:0'])
})

test('a second deploy changes nothing, says so, and asks the CA for nothing', async () => {
  const ids = await site.ids()
  const serial = (await shown(site.ports.https)).serialNumber
  const asked = await acme.proofs()
  const text = await acme.site.unnoticed(() => acme.stack())
  for (const line of text.split('\n').filter((line) => /^✓/.test(line))) assert.match(line, /nothing to do/)
  assert.match(text, /Renewal: twice a day by .*, not due: nothing to do/)
  assert.deepEqual(await site.ids(), ids)
  assert.equal((await shown(site.ports.https)).serialNumber, serial)
  assert.equal(await acme.proofs(), asked)
})

test('verify says by whom the certificate was issued and when it ends', async () => {
  const ran = await site.run('verify', '--json')
  type Line = { chapter: string; required: string; ok: boolean; evidence: string }
  const lines = JSON.parse(ran.stdout) as Line[]
  const line = lines.find(({ required }) => required.includes('HTTPS'))
  assert.equal(line?.ok, true)
  assert.match(line?.evidence ?? '', /issued by Pebble Intermediate CA \w+, ends in (89|90) days, on \d{4}-/)
  // It asked for the site by its domain, and everything about the site is as required.
  assert.deepEqual(
    lines.filter(({ chapter, ok }) => !ok && chapter !== 'Prepare the server'),
    [],
  )
})

test('the timer’s script renews the certificate while the site serves, and no request fails', async () => {
  const earlier = new X509Certificate(site.certificate)
  const asked = await acme.proofs()
  assert.match((await acme.renew()).text, /not due: nothing to do/)
  await acme.site.unnoticed(async () => {
    const { exitCode, text } = await acme.renewNow()
    assert.equal(exitCode, 0, text)
    await until(
      'the new one is shown',
      async () => (await shown(site.ports.https)).serialNumber !== earlier.serialNumber,
    )
  })
  const now = await shown(site.ports.https)
  assert.equal(now.serialNumber, new X509Certificate(site.certificate).serialNumber)
  assert.notDeepEqual(
    now.publicKey.export({ type: 'spki', format: 'der' }),
    earlier.publicKey.export({ type: 'spki', format: 'der' }),
  )
  assert.ok((await acme.proofs()) > asked)
  // One folder of the past is enough: none.
  assert.equal(readdirSync(acme.file('nginx')).filter((name) => name.startsWith('tls-')).length, 1)
})

test('the next run finishes a renewal that was cut off before nginx was told', async () => {
  rmSync(acme.file('nginx/tls/loaded'))
  assert.match((await acme.renew()).text, /another certificate is installed/)
  assert.match((await acme.renew()).text, /not due: nothing to do/)
})

test('the timer’s script waits while another run holds the lock', async () => {
  const stack = { ...defaults(stackSchema), folder: site.folder, project: site.project }
  const waits = () => {
    const { ino } = statSync(path.join(site.folder, 'lock'))
    return new RegExp(`-> FLOCK .*:${ino} `).test(readFileSync('/proc/locks', 'utf8'))
  }
  const renewal = await withLock(new Host('local'), stack, 'a trial', async () => {
    const begun = acme.renew()
    await until('the renewal waits for the lock', waits)
    return { begun }
  })
  assert.match((await renewal.begun).text, /not due: nothing to do/)
  assert.equal(existsSync(path.join(site.folder, 'lock.token')), false)
})

test('the load balancer still restarts by itself after a renewal', async () => {
  const lb = `${site.project}-lb-1`
  const pid = async () => (await docker`docker inspect -f {{.State.Pid}} ${lb}`).stdout.trim()
  const before = await pid()
  process.kill(Number(before), 'SIGKILL')
  await until('it is back', async () => !['0', before].includes(await pid()))
  await until('it answers', async () => (await site.get('/')).status === 200)
})

test('the server calls the script by itself, twice a day', async () => {
  const name = `${site.project}-certificate`
  if (existsSync('/run/systemd/system')) {
    const { stdout } = await quiet`systemctl list-timers ${`${name}.timer`}`
    assert.match(stdout, new RegExp(name))
    return
  }
  const line = readFileSync(`/etc/cron.d/${name}`, 'utf8').trim().split('\n').at(-1) ?? ''
  assert.match(line, /^0 0,12 \* \* \* root sleep /)
  assert.ok(cron())
  // The very command that cron would run, without the delay.
  const command = line.replace(/^.*?; /, '')
  const { exitCode, stderr } =
    await quiet`env -i SHELL=/bin/bash /bin/bash -c ${`PATH=/usr/sbin:/usr/bin:/sbin:/bin; ${command}`}`
  assert.equal(exitCode, 0, stderr)
  assert.match(readFileSync(acme.file('letsencrypt/renew.log'), 'utf8'), /not due: nothing to do/)
})

test('the challenge path serves the proof alone; every other path is redirected or hidden', async () => {
  const folder = acme.file('nginx/acme/.well-known/acme-challenge')
  mkdirSync(path.join(folder, 'sub'), { recursive: true })
  writeFileSync(path.join(folder, 'a-proof_1'), 'proof')
  writeFileSync(path.join(folder, '.hidden'), 'hidden')
  writeFileSync(path.join(folder, 'sub/proof'), 'below')
  const ask = (target: string, secure = false) => {
    const bytes = message('GET', target).replace('Host: localhost', `Host: ${DOMAIN}`)
    return raw(secure ? site.ports.https : site.ports.http, bytes, secure)
  }
  const at = '/.well-known/acme-challenge/'
  const there = await ask(`${at}a-proof_1`)
  assert.match(there.text, /^HTTP\/1.1 200[\s\S]*\r\nContent-Type: text\/plain\r\n[\s\S]*\r\n\r\nproof$/)
  for (const target of [
    '',
    'nothing',
    '.hidden',
    '%2ehidden',
    'sub',
    'sub/',
    'sub/proof',
    '..%2f',
    '../../../htpasswd',
    'a-proof_1/',
    'a-proof_1%00',
  ]) {
    const { status, text } = await ask(at + target)
    assert.ok([301, 400].includes(status), `${target}: ${text}`)
    assert.doesNotMatch(text, /hidden$|below$|developer:/)
  }
  for (const end of ['prepare-for-deploy', 'ready-for-deploy'])
    for (const target of [
      `${at}../../${end}`,
      `${at}%2e%2e/%2e%2e/${end}`,
      `/${end}`,
      `//${end}`,
      `/./x/../${end}`,
    ])
      assert.equal((await ask(target)).status, 404, target)
  assert.equal((await ask(`${at}a-proof_1`, true)).status, 404)
})

/** One request by a client that knows nothing but the root. */
function asBrowser(ca: string): Promise<{ status: number; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: site.ports.https,
      servername: DOMAIN,
      headers: { Host: DOMAIN },
      ca,
      agent: false as const,
    }
    const request = https.get(options, (response) => {
      response.resume()
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
    })
    request.on('error', reject)
  })
}
