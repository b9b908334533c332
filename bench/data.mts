/** Backups and their restoration: how long they take, by the rows of the table of palindromes. */
import { say } from '../scripts/lib/cli/say.mts'
import { Deployment } from '../tests/lib/deployment.mts'
import { asPostgres } from '../tests/lib/sql.mts'
import { AS_TYPED, timed } from './measure.mts'

const ROWS = [10_000, 100_000, 1_000_000]

export async function data(): Promise<string[][]> {
  const site = await Deployment.start()
  site.zx = AS_TYPED
  try {
    const table: string[][] = []
    for (const rows of ROWS) table.push(...(await timesOf(site, rows)))
    return table
  } finally {
    await site.remove()
  }
}

async function timesOf(site: Deployment, rows: number): Promise<string[][]> {
  say(`${rows} rows`)
  await asPostgres(
    site,
    `TRUNCATE public.palindromes;
     INSERT INTO public.palindromes (sha256, text) SELECT encode(sha256(n::text::bytea), 'hex'), n::text FROM generate_series(1, ${rows}) n`,
  )
  let backup = ''
  const made = await timed(async () => {
    backup = await site.must('backup', '--json')
  })
  const { file, bytes } = JSON.parse(backup.split('\n').find((line) => line.startsWith('{')) ?? '')
  let restored = ''
  const back = await timed(async () => {
    restored = await site.must('restore', file)
  })
  const [, without = ''] = /for ([\d.]+ s) at most there was no database/.exec(restored) ?? []
  const title = `${rows.toLocaleString('en')} rows`
  return [
    [`backup of ${title} (${(bytes / 1e6).toFixed(1)} MB, npx included)`, made],
    [`restore of ${title} (no database for ${without} at most)`, back],
  ]
}
