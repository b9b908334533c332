/** Runs a command in a new container of the serving release. */
import process from 'node:process'
import { stringify } from 'yaml'
import { WrongCall } from './lib/cli/errors.mts'
import { onTerminal } from './lib/host/process.mts'
import { bash } from './lib/host/shell.mts'
import { folderOf, keptTarget } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { nothingRuns } from './lib/stack/services.mts'
import { networkNames } from './lib/stack/stack.mts'

export async function runCommand(run: Run): Promise<void> {
  const { host, stack, engine, words } = run
  const [program, ...rest] = words
  if (!program) throw new WrongCall('Which command?', 'npm run run -- python drop_db.py')
  const serving = await engine.servingTarget(host)
  if (!serving) throw nothingRuns(engine.hosts, stack)
  const target = await keptTarget(host, stack, serving)
  // With several hosts, the networks are Swarm's; a target is the same for one host and several.
  const networks = stringify({ networks: networkNames(stack) })
  // The container gets no requests: one of `compose run` does not have the service's name on the networks.
  process.exitCode = await host.attach(bash`
cd ${folderOf(stack, target.name)}
export SECRETS=${target.secrets} COMPOSE_IGNORE_ORPHANS=true
exec docker compose --env-file stack.env -f stack.yaml -f /dev/fd/9 run --rm --no-deps ${onTerminal() ? [] : ['-T']} \
  --label prusa.person=yes --entrypoint ${program} app ${rest} 9<<<${networks}`)
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
