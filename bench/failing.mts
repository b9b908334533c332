/** What a client sees of broken releases whose /status is right. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Deployment } from '../tests/lib/deployment.mts'
import { row, series } from './series.mts'

/** Broken releases: the code before which a fault is inserted, the inserted code, and the page that shows the fault. */
const FAILING = {
  'a release that answers /status, and 500 elsewhere (probe.path shows it)': [
    '@app.route("/")\ndef hello():',
    '@app.before_request\ndef broken():\n    if request.path != "/status":\n        return "Sorry", 500\n\n\n',
    '/',
  ],
  'a release that answers 500 on a page which the probe does not ask': [
    '@app.route("/redis-hits")\ndef redis_hits():',
    '@app.route("/redis-hits")\ndef broken():\n    return "Sorry", 500\n\n\n',
    '/redis-hits',
  ],
} as const

export async function failing(site: Deployment, source: string): Promise<string[][]> {
  const rows: string[][] = []
  for (const [what, [before, inserted, page]] of Object.entries(FAILING)) {
    const file = path.join(source, 'app.py')
    const code = readFileSync(file, 'utf8')
    writeFileSync(file, code.replace(before, `${inserted}${before}`))
    const release = async () => {
      const { exitCode, text } = await site.run('redeploy')
      if (exitCode !== 1) throw new Error(`it was rolled out:\n${text}`)
    }
    rows.push(row(what, await series(site, 1, release, { page })))
    writeFileSync(file, code)
  }
  return rows
}
