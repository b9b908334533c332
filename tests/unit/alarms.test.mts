/** status: what else is wrong, each with the command that helps. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alarmsOf } from '../../scripts/lib/status/alarms.mts'
import { alarms, facts, NOW, stack, testAlarms } from '../lib/status.mts'

const ending = (days: number) => ({
  fingerprint: '',
  selfSigned: true,
  issuer: '',
  ends: NOW + days * 86_400_000 + 1000,
  ocsp: false,
})

describe('there is an alarm for', () => {
  test('nothing on a healthy server', () => assert.deepEqual(alarms(facts()), []))

  const letsencrypt = 'npx zx scripts/04-stack.mts'
  testAlarms([
    [
      'failing requests',
      facts('traffic\t1000\t20\t0.1\t1\t300\t1'),
      /^2 % of the requests .*20 of 1000 \| npm run logs/,
    ],
    [
      'a long transaction',
      facts('database\t1\t1\t100\t900\t4711\tdeveloper\tidle in transaction'),
      /^A transaction of developer has been open for 15 min 0 s \(idle in transaction\) \| .*pg_terminate_backend\(4711\)/,
    ],
    ['nothing when requests failed earlier', facts('traffic\t1000\t20\t0.1\t1\t300\t0')],
    ['a database with few free connections', facts('database\t1\t90\t100\t\t\t\t'), /^90 of 100 connections/],
    [
      'a silent database',
      facts('database'),
      /^The database does not answer \| npm run logs -- db, then: npm run restart -- db$/,
    ],
    [
      'a silent load balancer',
      facts('answers'),
      /^The load balancer does not answer \| .*npm run restart -- lb$/,
    ],
    ['a silent Redis', facts('redis'), /^Redis does not answer \| .*npm run restart -- redis$/],
    [
      'a full disk',
      facts(
        'disk\t1000000000\t100000000000\t/var',
        'takes\t60000000000\t/var/log/big',
        'takes\t2e9\tbackups',
      ),
      /^The server’s disk \(\/var\) has 1\.0 GB of 100 GB left; \/var\/log\/big 60\.0 GB, backups 2\.0 GB \| /,
    ],
    [
      'a disk that can hold no more files',
      facts('inodes\t3\t1000'),
      /^The server’s disk \(.*\) can hold 3 more files of 1000 \(inodes\) \| /,
    ],
    ['little memory', facts('memory\t10000000\t4000000000'), /^The server has 10 MB of memory left/],
    [
      'a backup that failed',
      facts(`backup\t${JSON.stringify({ result: 'failed', why: 'schedule', error: 'one\ntwo' })}`),
      /^The last backup \(schedule\) failed: two \| npm run backup$/,
    ],
    [
      'no backup although there is a schedule',
      facts(`schedule\t${NOW / 1000 - 27 * 3600}`),
      /^No backup was made for 27 h 0 min \| npm run backup, then: npm run deploy$/,
    ],
    [
      'maintenance',
      facts(`maintenance\tcarl\t${NOW / 1000 - 60}`),
      /^Maintenance has been on .*by carl.* -- off$/,
    ],
    [
      'a certificate that expires soon',
      { ...facts(), certificate: ending(3) },
      new RegExp(`^The certificate expires in 3 days \\| ${letsencrypt}$`),
    ],
    [
      'a certificate that has expired',
      { ...facts(), certificate: ending(-1) },
      new RegExp(`^The certificate has expired \\| ${letsencrypt}$`),
    ],
    [
      'a renewal that fails',
      { ...facts('renewal\tit failed at 2026-11-26 09:00 UTC'), certificate: ending(20) },
      new RegExp(`^The certificate is not renewed automatically: it failed at .* UTC \\| ${letsencrypt}$`),
    ],
    [
      'an interrupted rollout',
      facts(
        `begun\t${JSON.stringify({ when: 'x', who: 'carl', from: 'a', to: 'b', result: 'unfinished', seconds: 0 })}`,
      ),
      /^The rollout of b by carl was interrupted \| npm run redeploy finishes it/,
    ],
  ])

  test('the operator’s own certificate, which the operator must replace', () => {
    const own = { ...stack, tls: 'files' as const, tls_files: { certificate: 'site.pem', key: 'site.key' } }
    const [told] = alarmsOf(own, { ...facts(), certificate: ending(3) }, NOW)
    assert.match(told?.next ?? '', /^put a new pair at site\.pem, then: npx zx scripts\/04-stack\.mts$/)
  })

  test('grave things first', () => {
    const found = facts('killed\tprusa-app-1\t2', 'memory\t10000000\t4000000000')
    assert.deepEqual(
      alarmsOf(stack, found, NOW).map(({ grave }) => grave),
      [true, false],
    )
  })
})
