/**
 * `npm run soak`: ten minutes on a deployment of its own, with a random fault every ten seconds, while a client sends 100
 * requests a second. Prints what each fault cost; exit code 1 when one cost more than it may (tests/lib/faults.mts).
 *   npm run soak -- --seconds 60 --seed 4711
 */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { result, say } from '../scripts/lib/cli/say.mts'
import { table } from '../scripts/lib/cli/table.mts'
import { Host } from '../scripts/lib/host/host.mts'
import { ensureEngine } from '../scripts/lib/server/engine.mts'
import { Client } from './lib/asking.mts'
import { makeBaseImages } from './lib/base-images.mts'
import { Deployment } from './lib/deployment.mts'
import { aimOf, CLIENT, fallible } from './lib/faults.mts'
import { type Suffered, soak } from './lib/soak.mts'

const words = process.argv.slice(2).filter((word) => !word.endsWith('.mts'))
const { values } = parseArgs({
  args: words,
  options: { seconds: { type: 'string' }, seed: { type: 'string' } },
})
const seconds = Number(values.seconds ?? 600)
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6))

await ensureEngine(new Host('local'))
await makeBaseImages()
say(`${seconds} s of faults; the same again: npm run soak -- --seconds ${seconds} --seed ${seed}`)
const prepared = await Deployment.prepare()
const site = await Deployment.start(fallible(prepared), prepared)
const client = await Client.start(site, CLIENT)
try {
  const suffered = await soak(site, client, { seconds, seed, say })
  result(table(['fault', 'times', 'requests', 'failed', 'longest gap', 'may cost', ''], suffered.map(row)))
  process.exitCode = suffered.every(({ bearable }) => bearable) ? 0 : 1
} finally {
  await client.stop()
  await site.remove()
}

function row({ fault, times, requests, failed, gap, bearable }: Suffered): string[] {
  const numbers = [times, requests, failed].map(String)
  return [fault.what, ...numbers, `${gap.toFixed(1)} s`, aimOf(fault), bearable ? '✓' : '✗']
}
