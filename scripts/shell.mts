/** Opens a shell in a container. */
import process from 'node:process'
import { NOTHING_CHANGED, OperatorError } from './lib/cli/errors.mts'
import { list } from './lib/cli/say.mts'
import { bash } from './lib/host/shell.mts'
import { replicas } from './lib/rollout/replica.mts'
import { type Run, script } from './lib/run.mts'
import { execInto, type Named, named, nothingRuns } from './lib/stack/services.mts'
import { requireRunning } from './lib/stack/stack.mts'

export async function openShell(run: Run): Promise<void> {
  const container = await containerToEnter(run, named(run.stack, run.words[0] ?? 'app'))
  process.exitCode = await run.host.attach(
    bash`exec ${execInto()} ${container} sh -c 'if command -v bash >/dev/null; then exec bash; else exec sh; fi'`,
  )
}

/** The name of a running container of the service. @throws OperatorError when none runs */
async function containerToEnter({ host, stack }: Run, { service, container }: Named): Promise<string> {
  if (service !== 'app') {
    await requireRunning(host, stack, service)
    return container
  }
  const running = (await replicas(host, stack)).filter((one) => one.running).map(({ name }) => name)
  const found = container ? running.find((name) => name === container) : running[0]
  if (found) return found
  if (running.length === 0) throw nothingRuns(host, stack)
  throw new OperatorError(
    `${container} does not run on ${host.name}. The running replicas: ${list(running)}`,
    '',
    NOTHING_CHANGED,
  )
}

await script(
  import.meta.url,
  `
Opens a shell in a container: interactive on a terminal, else for the commands on standard input.
The exit code is that of the shell.

  npm run shell [-- SERVICE --host USER@NAME]

  SERVICE            app (the default: any replica), balancer, db, dbport, lb, redis, or one replica: app-3

Examples:
  npm run shell
  echo 'redis-cli info memory' | npx zx scripts/shell.mts redis
`,
  openShell,
  1,
  { instead: 'npm run status shows the host of each replica; there: docker exec.' },
)
