/** What runs now: the replicas, their release, and whether requests are sent to them. */
import { begin } from './lib/run.mts'
import { result, say, seconds } from './lib/say.mts'
import { look } from './lib/scene.mts'
import { table } from './lib/table.mts'

const { host, stack, options } = begin(`
Prints the replicas: release, state, and whether the load balancer sends them requests.

  npm run status [-- --host USER@NAME]

  --json             as JSON on standard output
`)

const { found, serving } = await look(host, stack)
if (options.json)
  result(
    JSON.stringify(
      found.map((one) => ({ ...one, serving: serving.includes(one.name) })),
      null,
      2,
    ),
  )
else if (found.length === 0) say(`No replica on ${host.name}. Next: npm run deploy`)
else
  result(
    table(
      ['replica', 'release', 'state', 'requests', 'crashes'],
      found.map((one) => [
        one.name,
        one.release,
        one.running ? `up ${seconds(one.age)}` : `stopped (exit code ${one.exitCode})`,
        serving.includes(one.name) ? 'yes' : 'no',
        String(one.restarts),
      ]),
    ),
  )
