/**
 * `npm run bench`: measures a deployment of its own and prints tables; asserts nothing.
 *   npm run bench               deploy, second runs, throughput, sizes, memory
 *   npm run bench -- rollout    rollouts, broken releases and interruptions under 200 requests/s, and plain Compose;
 *                               words choose parts of it (rollouts.mts): npm run bench -- rollout steady good
 *   npm run bench -- swarm      rollouts on three servers and on one; ROUNDS=3 for a try
 *   npm run bench -- capacity   requests per second of one replica, one load balancer, one host
 *   npm run bench -- data       backup and restore of 10,000 to 1,000,000 rows
 */
import process from 'node:process'
import { $ } from 'zx'
import { result, say } from '../scripts/lib/cli/say.mts'
import { table } from '../scripts/lib/cli/table.mts'
import { Host } from '../scripts/lib/host/host.mts'
import { installPackages } from '../scripts/lib/server/packages.mts'
import { capacity } from './capacity.mts'
import { data } from './data.mts'
import { road } from './road.mts'
import { rollouts } from './rollouts.mts'
import { swarm } from './swarm.mts'

await installPackages(new Host('local'), ['age', 'wrk', 'openssh-client', 'openssh-server'])
const words = process.argv.slice(2).filter((word) => !word.endsWith('.mts'))
const cpu = (await $({ quiet: true })`nproc`).stdout.trim()
say(`On ${cpu} processors, Node ${process.version}`)
const measures: Record<string, (words: string[]) => Promise<string[][]>> = {
  rollout: rollouts,
  data,
  swarm,
  capacity,
}
const rows = await (measures[words[0] ?? ''] ?? road)(words.slice(1))
result(table(['what', 'measured'], rows))
