/** Runs a command in a new container of the serving release. */
import process from 'node:process'
import { WrongCall } from './lib/cli/errors.mts'
import { onTerminal } from './lib/host/process.mts'
import { bash } from './lib/host/shell.mts'
import { readFleet } from './lib/rollout/fleet.mts'
import { replicas } from './lib/rollout/replica.mts'
import { folderOf, keptTarget } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { nothingRuns } from './lib/stack/services.mts'
import { targetsOnSwarm } from './lib/swarm/view.mts'

export async function runCommand(run: Run): Promise<void> {
  const { host, stack, words } = run
  const [program, ...rest] = words
  if (!program) throw new WrongCall('Which command?', 'npm run run -- python drop_db.py')
  const target = await keptTarget(host, stack, await servingTarget(run))
  // The container gets no requests: one of `compose run` does not have the service's name on the networks.
  process.exitCode = await host.attach(bash`
cd ${folderOf(stack, target.name)}
export SECRETS=${target.secrets} COMPOSE_IGNORE_ORPHANS=true
exec docker compose --env-file stack.env -f stack.yaml run --rm --no-deps ${onTerminal() ? [] : ['-T']} \
  --label prusa.person=yes --entrypoint ${program} app ${rest}`)
}

/** The name of the target that serves, or of the one that did. @throws OperatorError when there is no replica */
async function servingTarget({ host, stack, swarm }: Run): Promise<string> {
  if (swarm) {
    const [target] = await targetsOnSwarm(host, stack)
    if (target) return target
    throw nothingRuns(swarm.hosts, stack)
  }
  // The balancer may be down, and then no replica serves.
  const { found, serving } = await readFleet(host, stack).catch(async () => ({
    found: await replicas(host, stack),
    serving: [],
  }))
  const [replica] = [...serving, ...found.filter(({ running }) => running), ...found]
  if (!replica) throw nothingRuns([host], stack)
  return replica.target
}

await script(
  import.meta.url,
  `
Runs a command in a new container, with the image, environment and networks of the serving release.
The container gets no requests, and is removed afterwards. The exit code is that of the command.

  npm run run -- [--host USER@NAME] COMMAND…

Examples:
  npm run run -- python drop_db.py
  npm run run -- bash
`,
  runCommand,
  'command',
  'data',
)
