/** What runs now: the replicas, their release, whether requests are sent to them, and whether they are as configured. */

import { result, say, seconds, warn } from './lib/cli/say.mts'
import { table } from './lib/cli/table.mts'
import type { Place } from './lib/edge/balancer.mts'
import { sourceOf } from './lib/images/application.mts'
import { identityToBe } from './lib/images/base.mts'
import { imageMode } from './lib/images/images.mts'
import { isDone, plan } from './lib/rollout/plan.mts'
import { look } from './lib/rollout/scene.mts'
import { difference, nameOf, type Target, wantedSecrets } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { killed, killedWarning } from './lib/stack/memory.mts'

export async function printStatus(run: Run): Promise<void> {
  const { host, stack, options } = run
  const [scene, wanted, ended] = await Promise.all([
    look(host, stack),
    wantedTarget(run),
    killed(host, stack),
  ])
  const rows = scene.found.map((one) => ({
    ...one,
    serving: scene.serving.includes(one.name),
    requests: requestsOf(scene.places.find(({ address }) => one.running && address === one.address)),
    asConfigured: wanted ? difference(stack, wanted, one) || 'yes' : 'not known',
  }))
  if (options.json) result(JSON.stringify(rows, null, 2))
  else if (rows.length === 0) say(`No replica on ${host.name}. Next: npm run deploy`)
  else {
    result(
      table(
        ['replica', 'release', 'state', 'requests', 'crashes', 'as configured'],
        rows.map((one) => [
          one.name,
          one.release,
          one.running ? `up ${seconds(one.age)}` : `stopped (exit code ${one.exitCode})`,
          one.requests,
          String(one.restarts),
          one.asConfigured,
        ]),
      ),
    )
    if (wanted && !isDone(plan(stack, scene, (one) => difference(stack, wanted, one) === '')))
      warn(
        `This checkout is for ${stack.app.replicas} of release ${wanted.release}, running and served. Next: npm run redeploy`,
      )
  }

  for (const one of ended) warn(killedWarning(one))
}

/** Whether requests are sent there, in words. */
function requestsOf(place: Place | undefined): string {
  if (!place) return 'no'
  const { up, why, busy, weight } = place
  const held = `${busy} under way`
  if (weight === 0) return `no, drains, ${held}`
  if (!up) return `no, down: ${why}`
  return weight === 100 ? `yes, ${held}` : `yes, ${weight} % of a share, ${held}`
}

/** What redeploy would start now; nothing when this checkout cannot tell. */
async function wantedTarget({ host, stack }: Run): Promise<Target | undefined> {
  try {
    const python = await identityToBe(host, stack, await imageMode(host, stack))
    if (!python) throw new Error('the base images are not there yet')
    const { release } = sourceOf(stack, python)
    return { release, name: nameOf(stack, release), secrets: await wantedSecrets(host, stack) }
  } catch (error) {
    warn(`What would be started now is not known: ${(error as Error).message}`)
  }
}

await script(
  import.meta.url,
  `
Prints the replicas: release, state, whether the load balancer sends them requests, and whether they are as configured.

  npm run status [-- --host USER@NAME]

  --json             as JSON on standard output

Examples:
  npm run status
  npm run status -- --json
`,
  printStatus,
)
