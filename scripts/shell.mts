/** Opens a shell in a container. */
import process from 'node:process'
import { NOTHING_CHANGED, OperatorError } from './lib/cli/errors.mts'
import { list } from './lib/cli/say.mts'
import { bash } from './lib/host/shell.mts'
import { type Run, script } from './lib/run.mts'
import { execInto, nothingRuns, placed } from './lib/stack/services.mts'
import { requireRunning } from './lib/stack/stack.mts'

export async function openShell(run: Run): Promise<void> {
  const { host, container } = await toEnter(run)
  process.exitCode = await host.attach(
    bash`exec ${execInto()} ${container} sh -c 'if command -v bash >/dev/null; then exec bash; else exec sh; fi'`,
  )
}

/** A running container of the service that the call names, and its host. @throws OperatorError when none runs */
async function toEnter({ host, hosts: among, stack, engine, words }: Run) {
  const { service, container, hosts } = placed(stack, words, among)
  const [first = host] = hosts
  if (service !== 'app') {
    await requireRunning(first, stack, service)
    return { host: first, container }
  }
  const running = (await engine.replicas(host)).filter((one) => one.running && hosts.includes(one.host))
  const found = container ? running.find(({ name }) => name === container) : running[0]
  if (found) return found
  if (running.length === 0) throw nothingRuns(hosts, stack)
  throw new OperatorError(
    `${container} does not run on ${list(hosts.map(({ name }) => name))}. The running replicas: ${list(running.map(({ name }) => name))}`,
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

  SERVICE            app (the default: any replica), balancer, db, dbport, lb, redis, or one replica: app-3. With several
                     hosts, a host may follow: lb admin@b.example.org

Examples:
  npm run shell
  echo 'redis-cli info memory' | npx zx scripts/shell.mts redis
`,
  openShell,
  2,
  'each',
)
