/** What status says about backups. */
import { rowsAndTables } from '../backup/backup.mts'
import { lastLines } from '../cli/errors.mts'
import { megabytes, seconds } from '../cli/say.mts'
import { minute } from '../cli/time.mts'
import { type Alarm, alarm } from './alarm.mts'
import type { Facts } from './status.mts'

type Known = Pick<Facts, 'backups' | 'schedule'>

/** Milliseconds; an older last backup means that a daily one is missing. */
const LATE = 26 * 3_600_000

/** The line of the screen; empty if there are no backups and no schedule. */
export function backupLine({ backups, schedule }: Known): string {
  const last = backups.findLast(({ result }) => result === 'done')
  if (!last) return schedule ? 'backup      none yet' : ''
  const { when, tables = 0, rows = 0, bytes = 0 } = last
  return `backup      ${minute(when)} UTC, ${rowsAndTables({ rows, tables })}, ${megabytes(bytes)}`
}

/** @param now milliseconds since 1970 */
export function backupAlarms({ backups, schedule }: Known, now: number): Alarm[] {
  const last = backups.at(-1)
  if (last?.result === 'failed')
    return [
      alarm(`The last backup (${last.why}) failed: ${lastLines(last.error ?? '', 1)}`, 'npm run backup'),
    ]
  const since = last ? Date.parse(last.when) : schedule
  if (schedule === undefined || since === undefined || now - since < LATE) return []
  return [alarm(`No backup was made for ${seconds(now - since)}`, 'npm run backup, then: npm run deploy')]
}
