/** tls: letsencrypt against a real ACME server: issuance, renewal and refusal, the site asked all the while. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { $ } from 'zx'
import { stackSchema } from '../../scripts/lib/config.mts'
import { Host } from '../../scripts/lib/host.mts'
import { removeTimer } from '../../scripts/lib/renewal.mts'
import { defaults } from '../../scripts/lib/schema.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { Pebble } from '../lib/pebble.mts'
import { message, raw } from '../lib/raw.mts'
import { shown } from '../lib/shown.mts'
import { until } from '../lib/until.mts'

const DOMAIN = 'www.acme.test'
const quiet = $({ quiet: true, nothrow: true })
let site: Deployment
let pebble: Pebble
let cronRan: boolean
before(async () => {
  cronRan = cron() !== undefined
  site = await Deployment.start({ domain: DOMAIN })
  pebble = await Pebble.start(site.ports.http)
  site.configure({ tls: 'letsencrypt', letsencrypt: { email: 'me@acme.test', ...pebble.settings } })
  const { exitCode, text } = await site.run('02-build')
  assert.equal(exitCode, 0, text)
})
after(async () => {
  const pid = cron()
  if (site) {
    await removeTimer(new Host('local'), {
      ...defaults(stackSchema),
      project: site.project,
      folder: site.folder,
    })
    if (pid && !cronRan) process.kill(pid, 'SIGTERM')
  }
  await pebble?.remove()
  await site?.remove()
})

test('a certificate is issued while the site serves, and no request fails', async (context) => {
  assert.ok((await shown(site.ports.https)).issuer.includes(DOMAIN))
  const text = await unnoticed(context, () => stack())
  assert.match(text, /Certificate: fits and lasts: nothing to do/)
  assert.match(
    text,
    /Renewal: certificate of www\.acme\.test issued; renewed twice a day by (a systemd timer|cron)/,
  )
  const now = await shown(site.ports.https)
  assert.equal(now.serialNumber, new X509Certificate(site.certificate).serialNumber)
  assert.match(now.issuer, /Pebble Intermediate/)
  assert.ok((await proofs()) > 0)
})

test('a client that knows the CA’s root and nothing else believes it; HSTS comes with it, over HTTPS only', async () => {
  const { status, headers } = await asBrowser(await pebble.root())
  assert.equal(status, 200)
  assert.equal(headers['strict-transport-security'], 'max-age=31536000')
  assert.equal((await site.get('/', {}, 'GET', false)).headers['strict-transport-security'], undefined)
})

test('the key is readable for the load balancer only, and certbot’s files for root only', async () => {
  const { stdout } =
    await quiet`stat -L -c %a:%u ${file('nginx/tls/key.pem')} ${file('nginx/tls/certificate.pem')} ${file('letsencrypt')} ${file('letsencrypt/renew')}`
  assert.deepEqual(stdout.trim().split('\n'), ['400:101', '644:0', '700:0', '700:0'])
})

test('a second deploy changes nothing, says so, and asks the CA for nothing', async (context) => {
  const ids = await site.ids()
  const serial = (await shown(site.ports.https)).serialNumber
  const asked = await proofs()
  const text = await unnoticed(context, () => stack())
  for (const line of text.split('\n').filter((line) => /^✓/.test(line))) assert.match(line, /nothing to do/)
  assert.match(text, /Renewal: twice a day by .*, not due: nothing to do/)
  assert.deepEqual(await site.ids(), ids)
  assert.equal((await shown(site.ports.https)).serialNumber, serial)
  assert.equal(await proofs(), asked)
})

test('verify says by whom the certificate was issued and when it ends', async () => {
  const ran = await site.run('verify', '--json')
  const lines = JSON.parse(ran.stdout) as { required: string; ok: boolean; evidence: string }[]
  const line = lines.find(({ required }) => required.includes('HTTPS'))
  assert.equal(line?.ok, true)
  assert.match(line?.evidence ?? '', /issued by Pebble Intermediate CA \w+, ends in (89|90) days, on \d{4}-/)
  const red = lines.filter(({ ok, evidence }) => !ok && /certificate|HTTPS|: 0/.test(evidence))
  assert.deepEqual(red, [])
})

test('the script of the timer renews while the site serves: no request fails, and another certificate is shown', async (context) => {
  const earlier = new X509Certificate(site.certificate)
  const asked = await proofs()
  assert.match((await renew()).text, /not due: nothing to do/)
  await unnoticed(context, async () => {
    const { exitCode, text } = await renew('--force-renewal')
    assert.equal(exitCode, 0, text)
    await until(
      'the new one is shown',
      10,
      async () => (await shown(site.ports.https)).serialNumber !== earlier.serialNumber,
    )
  })
  const now = await shown(site.ports.https)
  assert.equal(now.serialNumber, new X509Certificate(site.certificate).serialNumber)
  assert.notDeepEqual(
    now.publicKey.export({ type: 'spki', format: 'der' }),
    earlier.publicKey.export({ type: 'spki', format: 'der' }),
  )
  assert.ok((await proofs()) > asked)
  // One folder of the past is enough: none.
  assert.equal(readdirSync(file('nginx')).filter((name) => name.startsWith('tls-')).length, 1)
})

test('the load balancer still restarts by itself after a renewal', async () => {
  const lb = `${site.project}-lb-1`
  const pid = async () => (await docker`docker inspect -f {{.State.Pid}} ${lb}`).stdout.trim()
  const before = await pid()
  process.kill(Number(before), 'SIGKILL')
  await until('it is back', 20, async () => !['0', before].includes(await pid()))
  await until('it answers', 20, async () => (await site.get('/')).status === 200)
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
  assert.match(readFileSync(file('letsencrypt/renew.log'), 'utf8'), /not due: nothing to do/)
})

test('the challenge path gives a proof that is there; everything else is redirected or hidden as before', async () => {
  const folder = file('nginx/acme/.well-known/acme-challenge')
  mkdirSync(path.join(folder, 'sub'), { recursive: true })
  writeFileSync(path.join(folder, 'a-proof_1'), 'proof')
  writeFileSync(path.join(folder, '.hidden'), 'hidden')
  writeFileSync(path.join(folder, 'sub/proof'), 'below')
  const ask = (target: string, secure = false) =>
    raw(secure ? site.ports.https : site.ports.http, message('GET', target), secure)
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

test('a renewal that the CA refuses leaves the site on the certificate that it has', async (context) => {
  const serial = (await shown(site.ports.https)).serialNumber
  await pebble.lead(DOMAIN, await elsewhere())
  try {
    await unnoticed(context, async () => {
      const { exitCode, text } = await renew('--force-renewal')
      assert.equal(exitCode, 1)
      assert.match(text, /Connection refused|connection/i)
    })
    assert.equal((await shown(site.ports.https)).serialNumber, serial)
    // certbot's files are lost, so deploy orders anew: a warning, since the site is as its users need it.
    await quiet`bash -c ${`rm -rf ${file('letsencrypt')}/????????`}`
    const text = await unnoticed(context, () => stack())
    assert.match(
      text,
      /! The certificate of www\.acme\.test was not renewed: the CA cannot reach http:\/\/www\.acme\.test\/ on port 80 \(.+\)\. .*Pebble.* is in place until \d{4}-\d\d-\d\d; the server tries again twice a day\./,
    )
    assert.equal((await shown(site.ports.https)).serialNumber, serial)
  } finally {
    await pebble.lead(DOMAIN, '127.0.0.1')
  }
})

for (const [what, settings, sentence] of [
  [
    'a domain that leads elsewhere',
    { domain: 'elsewhere.acme.test' },
    /the CA cannot reach http:\/\/elsewhere\.acme\.test\/ on port 80 \(.*refused/i,
  ],
  [
    'a domain that the CA does not issue for',
    { domain: 'blocked.test' },
    /the CA does not issue for blocked\.test \(/,
  ],
  [
    'an ACME server that is not there',
    { domain: DOMAIN, letsencrypt: { directory: 'https://127.0.0.1:1/dir' } },
    /the ACME server https:\/\/127\.0\.0\.1:1\/dir cannot be reached from the server \(/,
  ],
  [
    'an ACME server that nobody vouches for',
    { domain: DOMAIN, letsencrypt: { ca: '' } },
    /shows a certificate that this server does not believe/,
  ],
] as const)
  test(`without a certificate of a CA, ${what}: exit code 1, the reason in words, and the site is up on its self-signed one`, async () => {
    await pebble.lead('elsewhere.acme.test', await elsewhere())
    site.configure({ tls: 'self-signed', domain: settings.domain })
    await stack()
    const before = (await shown(site.ports.https)).serialNumber
    site.configure({ tls: 'letsencrypt', letsencrypt: pebble.settings })
    site.configure(settings)
    const { requests, failed } = await site.underLoad(async () => {
      const { exitCode, text } = await site.run('04-stack')
      assert.equal(exitCode, 1, text)
      assert.match(text, sentence)
      assert.match(
        text,
        /State: the site is up on the self-signed certificate that it had, until .*\n\s+Next: .*npx zx scripts\/04-stack\.mts/,
      )
      assert.doesNotMatch(text, /\n\s+at |Traceback/)
    })
    assert.ok(requests > 20)
    assert.deepEqual(failed, [])
    assert.equal((await shown(site.ports.https)).serialNumber, before)
    assert.equal((await site.get('/')).headers['strict-transport-security'], undefined)
  })

test('back on self-signed, the timer is gone and the site serves on', async () => {
  site.configure({ tls: 'letsencrypt', domain: DOMAIN, letsencrypt: pebble.settings })
  assert.match(await stack(), /issued/)
  site.configure({ tls: 'self-signed' })
  const text = await stack()
  assert.match(text, /Certificate: made by openssl \(the old one was issued by a CA\)/)
  assert.match(text, /Renewal: timer removed/)
  const answer = await site.get('/')
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['strict-transport-security'], undefined)
  for (const left of [
    file('letsencrypt/renew'),
    `/etc/cron.d/${site.project}-certificate`,
    `/etc/systemd/system/${site.project}-certificate.timer`,
  ])
    assert.ok(!existsSync(left), left)
  assert.doesNotMatch(await stack(), /Renewal/)
})

const file = (name: string) => path.join(site.folder, name)

async function stack(): Promise<string> {
  const { exitCode, text } = await site.run('04-stack')
  assert.equal(exitCode, 0, text)
  return text
}

/** How many proofs nginx has given to the CA: it asks from several places at once. */
async function proofs(): Promise<number> {
  const { stdout } = await docker`docker logs ${site.project}-lb-1`
  const lines = stdout.split('\n').filter((line) => line.includes('"uri":"/.well-known/acme-challenge/'))
  return lines.filter((line) => line.includes('"status":200')).length
}

/** Runs the script that the server's timer runs. */
async function renew(...flags: string[]): Promise<{ exitCode: number | null; text: string }> {
  const { exitCode, stdall } = await quiet`${file('letsencrypt/renew')} ${flags}`
  return { exitCode, text: stdall }
}

/** Does the work while a client asks, of whom no request may fail; returns the work's own result. */
async function unnoticed<T>(context: { diagnostic(line: string): void }, work: () => Promise<T>): Promise<T> {
  let done: T | undefined
  const { requests, failed, slowest } = await site.underLoad(async () => {
    done = await work()
  }, 100)
  context.diagnostic(`${requests} requests, ${failed.length} failed, slowest ${slowest} ms`)
  assert.ok(requests > 50, `${requests} requests`)
  assert.deepEqual(failed, [])
  return done as T
}

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

/** An address of this machine's where nobody answers on the site's port: a replica's. */
async function elsewhere(): Promise<string> {
  const [replica] = await site.containers('app')
  const { stdout } =
    await docker`docker inspect -f ${'{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'} ${replica}`
  return stdout.trim().split(' ')[0] as string
}

/** Process of cron, where one runs. */
function cron(): number | undefined {
  const pid = existsSync('/run/crond.pid') ? Number(readFileSync('/run/crond.pid', 'utf8')) : 0
  return pid && existsSync(`/proc/${pid}`) ? pid : undefined
}
