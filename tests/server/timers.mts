/** What systemd does by itself on a server that is deployed: the daily backup, and the renewal of a CA's certificate. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { testLong } from '../lib/long.mts'
import type { Operator } from './operator.mts'

/** Registers the tests. @param at the person at a server that is deployed */
export function timers(at: () => Operator): void {
  const state = (timer: string) =>
    at().root(`systemctl is-enabled prusa-${timer}.timer; systemctl is-active prusa-${timer}.timer`)

  test('systemd makes the daily backup; over ssh a backup is copied here, and restored from here', async () => {
    const operator = at()
    assert.equal(await state('backup'), 'enabled\nactive')
    await operator.root('systemctl start prusa-backup.service')
    assert.match(await operator.must('backup', '--list'), / root +schedule /)
    const folder = mkdtempSync(path.join(tmpdir(), 'prusa-backups-'))
    try {
      await operator.must('backup', '--to', folder)
      const [file = ''] = readdirSync(folder)
      assert.match(
        await operator.must('restore', path.join(folder, file)),
        /New database: \d+ rows? in 1 table, as many/,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  testLong(
    'with tls: letsencrypt systemd starts the renewal, which writes to the journal; with another tls it does not',
    async () => {
      const operator = at()
      // Nobody is there: what is asked here is who calls, not what the CA says.
      const letsencrypt = { directory: 'https://127.0.0.1:1/dir' }
      operator.configure({ tls: 'letsencrypt', domain: 'www.acme.test', letsencrypt })
      await operator.loadBaseImages('certbot')
      await operator.must('02-build')
      assert.match(
        await operator.refused('04-stack'),
        /this server cannot reach the ACME server https:\/\/127\.0\.0\.1:1\/dir/,
      )
      assert.equal(await state('certificate'), 'enabled\nactive')
      assert.match(
        await operator.root('systemctl list-timers --all prusa-certificate.timer'),
        /prusa-certificate\.service/,
      )
      assert.notEqual((await operator.server.exec('systemctl start prusa-certificate.service')).exitCode, 0)
      assert.match(
        await operator.root('journalctl -u prusa-certificate.service --no-pager'),
        /Connection refused/,
      )
      assert.equal((await operator.get('/')).status, 200)
      operator.configure()
      assert.match(await operator.must('04-stack'), /Renewal: timer removed/)
      await operator.root('systemctl reset-failed')
      assert.equal((await operator.server.exec('systemctl cat prusa-certificate.timer')).exitCode, 1)
    },
  )
}
