/**
 * `npm run bench`: measures a deployment of its own and prints tables; asserts nothing.
 *   npm run bench               deploy, second runs, throughput, sizes, memory
 *   npm run bench -- rollout    rollouts, faults and interruptions under 200 requests/s, and plain Compose;
 *                               words choose parts of it (rollouts.mts): npm run bench -- rollout steady good
 */
import process from 'node:process'
import { $ } from 'zx'
import { result, say } from '../scripts/lib/cli/say.mts'
import { table } from '../scripts/lib/cli/table.mts'
import { Host } from '../scripts/lib/host/host.mts'
import { installPackages } from '../scripts/lib/server/packages.mts'
import { road } from './road.mts'
import { rollouts } from './rollouts.mts'

await installPackages(new Host('local'), ['wrk', 'openssh-client', 'openssh-server'])
const words = process.argv.slice(2).filter((word) => !word.endsWith('.mts'))
const cpu = (await $({ quiet: true })`nproc`).stdout.trim()
say(`On ${cpu} processors, Node ${process.version}`)
const rows = words[0] === 'rollout' ? await rollouts(words.slice(1)) : await road()
result(table(['what', 'measured'], rows))
