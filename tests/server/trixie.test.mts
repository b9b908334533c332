/** Debian 13 by the really bare road: one command, no registry, base images made on the server itself. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type DisposableServer, startServer } from './disposable.mts'
import { changes, Operator } from './operator.mts'
import { verifyLines } from './verify.mts'

let server: DisposableServer
let operator: Operator

before(async () => {
  server = await startServer('trixie', 'bare')
  operator = new Operator(server)
})
after(() => operator?.remove())

test('one command makes a bare server a site that is all as required', async () => {
  assert.notEqual((await server.exec('command -v docker')).exitCode, 0)
  const text = await operator.asTyped(() => operator.must('deploy'))
  assert.match(
    text,
    /Base images \(debian\): made prusa-debian\/postgres:17-\w+, .* and prusa-debian\/python:3\.13/,
  )
  assert.match(text, /\d+ lines as required, 1 not shown yet: npm run redeploy -- --force/)
  assert.equal((await operator.get('/')).body, 'Hello, world!')
})

test('the engine comes from the archive of Debian 13 alone', async () => {
  const { stdout } = await server.exec(
    `dpkg-query -W -f '\${db:Status-Status} \${Package}\\n' docker.io docker-cli docker-compose docker-buildx`,
  )
  assert.deepEqual(stdout.trim().split('\n').sort(), [
    'installed docker-buildx',
    'installed docker-cli',
    'installed docker-compose',
    'installed docker.io',
  ])
  const sources = await server.exec('ls /etc/apt/sources.list.d /etc/apt/preferences.d')
  assert.doesNotMatch(sources.stdout, /docker/)
})

test('a second deploy has nothing to do', async () => {
  const text = await operator.must('deploy')
  assert.deepEqual(changes(text), [])
  assert.match(text, /already running: nothing to do/)
})

test('systemd makes the daily backup; over ssh a backup is copied here, and restored from here', async () => {
  const timer = await operator.root(
    'systemctl is-enabled prusa-backup.timer; systemctl is-active prusa-backup.timer',
  )
  assert.equal(timer, 'enabled\nactive')
  await operator.root('systemctl start prusa-backup.service')
  assert.match(await operator.must('backup', '--list'), / root +schedule /)
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-backups-'))
  try {
    await operator.must('backup', '--to', folder)
    const [file = ''] = readdirSync(folder)
    assert.match(await operator.must('restore', path.join(folder, file)), /New database: .* rows in /)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('with tls: letsencrypt systemd starts the renewal, which writes to the journal; with another tls it does not', async () => {
  // Nobody is there: what is asked here is who calls, not what the CA says.
  const letsencrypt = { directory: 'https://127.0.0.1:1/dir' }
  operator.configure({ tls: 'letsencrypt', domain: 'www.acme.test', letsencrypt })
  await operator.loadBaseImages('certbot')
  await operator.must('02-build')
  assert.match(
    await operator.refused('04-stack'),
    /this server cannot reach the ACME server https:\/\/127\.0\.0\.1:1\/dir/,
  )
  const timer = await operator.root(
    'systemctl is-enabled prusa-certificate.timer; systemctl is-active prusa-certificate.timer',
  )
  assert.equal(timer, 'enabled\nactive')
  assert.match(
    await operator.root('systemctl list-timers --all prusa-certificate.timer'),
    /prusa-certificate\.service/,
  )
  assert.notEqual((await server.exec('systemctl start prusa-certificate.service')).exitCode, 0)
  assert.match(
    await operator.root('journalctl -u prusa-certificate.service --no-pager'),
    /Connection refused/,
  )
  assert.equal((await operator.get('/')).status, 200)
  operator.configure()
  assert.match(await operator.must('04-stack'), /Renewal: timer removed/)
  await operator.root('systemctl reset-failed')
  assert.equal((await server.exec('systemctl cat prusa-certificate.timer')).exitCode, 1)
})

verifyLines(() => operator)
