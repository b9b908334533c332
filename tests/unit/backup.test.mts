/** Backups: which of them stay, what is told of them, and when they are made. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { backupTable } from '../../scripts/lib/backup/backup.mts'
import { scheduled } from '../../scripts/lib/backup/schedule.mts'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults, parseConfig } from '../../scripts/lib/config/schema.mts'
import { jsonIn } from '../../scripts/lib/host/facts.mts'
import { bash, join, remote } from '../../scripts/lib/host/shell.mts'
import { refusal } from '../lib/refusal.mts'

const stack = defaults(stackSchema)

/** The files of these times that stay. */
function kept(times: string[], daily: number, weekly: number): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  try {
    for (const name of [
      ...times.map((time) => `prusa-${time}.age`),
      'prusa-other-20200101-000000.age',
      'notes',
    ])
      writeFileSync(path.join(folder, name), '')
    const script = join([
      bash`set -euo pipefail`,
      remote('keep-backups', { project: 'prusa', daily, weekly }),
      bash`keep_backups ${folder}`,
    ])
    const { status, stderr } = spawnSync('bash', ['-s'], { input: script.text, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    const left = readdirSync(folder)
    assert.ok(left.includes('notes') && left.includes('prusa-other-20200101-000000.age'))
    return left.flatMap((name) => /^prusa-(\d{8}-\d{6})\.age$/.exec(name)?.[1] ?? [])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** One at three in the morning of each of so many days, the last of them a Thursday. */
const nights = (number: number) =>
  Array.from({ length: number }, (_, n) => {
    const day = new Date(Date.UTC(2026, 10, 26) - (number - 1 - n) * 86_400_000)
    return `${day.toISOString().slice(0, 10).replaceAll('-', '')}-030000`
  })

describe('which stay', () => {
  test('of 60 nights the last 7, and the last one of each of 4 weeks', () => {
    const days = (last: string[]) => last.map((day) => `202611${day}-030000`)
    assert.deepEqual(kept(nights(60), 7, 4), days(['08', '15', '20', '21', '22', '23', '24', '25', '26']))
  })

  test('all of a day that counts, of other days the last one; days without any do not count', () => {
    const times = [
      '20251231-030000',
      '20260101-030000',
      '20260101-040000',
      '20261101-030000',
      '20261126-030000',
      '20261126-040000',
    ]
    assert.deepEqual(kept(times, 2, 0), times.slice(3))
    assert.deepEqual(kept(times, 1, 3), [times[2], ...times.slice(3)])
  })

  test('none, and fewer than may be', () => {
    assert.deepEqual(kept([], 7, 4), [])
    assert.deepEqual(kept(nights(3), 7, 4), nights(3))
  })
})

test('results: what is no line of them is left out', () => {
  const made = {
    when: '2026-11-26T03:00:04Z',
    who: 'root',
    why: 'schedule',
    file: 'a.age',
    bytes: 4_300_000,
    rows: 7,
    tables: 1,
  }
  const text = `noise\n${JSON.stringify({ ...made, result: 'done' })}\n{"when":"2026`
  assert.deepEqual(jsonIn(text), [{ ...made, result: 'done' }])
  assert.match(
    backupTable([{ ...made, result: 'done', sha256: '' }]),
    /\na\.age +2026-11-26 03:00:04 +root +schedule +4\.3 MB +7 +1$/,
  )
})

test('the time of day, as systemd and cron have it', () => {
  const at = (time: string) => {
    const { calendar, cron } = scheduled({ ...stack, backup: { ...stack.backup, at: time } })
    return [calendar, cron]
  }
  assert.deepEqual(at('03:05'), ['*-*-* 03:05:00', '5 3 * * *'])
  assert.deepEqual(at('23:59'), ['*-*-* 23:59:00', '59 23 * * *'])
})

test('a time that is none, and a key that is no public one, are refused', () => {
  const refused = (yaml: string) => refusal(() => parseConfig(stackSchema, yaml, 'stack.yaml', {}))
  for (const at of ['24:00', '3:00', 'noon'])
    assert.match(refused(`backup: { at: "${at}" }`), /backup\.at must be a time of day such as 03:00/)
  for (const key of ['AGE-SECRET-KEY-1QQ', '-----BEGIN OPENSSH PRIVATE KEY-----', 'age1short'])
    assert.match(refused(`backup: { key: "${key}" }`), /backup\.key must be a public key/)
})
