/** Prepares the server: packages, users, SSH server, Docker Engine. It changes nothing on a server that is not fit. */

import { list, say, step } from './lib/cli/say.mts'
import { onEach } from './lib/host/each.mts'
import type { Host } from './lib/host/host.mts'
import { withLock } from './lib/host/lock.mts'
import { ownNamesByMode } from './lib/images/base.mts'
import { type Run, script } from './lib/run.mts'
import { ensureEngine, ensureSshd } from './lib/server/engine.mts'
import { installPackages, NEEDED } from './lib/server/packages.mts'
import { preflight } from './lib/server/preflight.mts'
import { applySshd } from './lib/server/sshd.mts'
import { applyUsers } from './lib/server/users.mts'

/** Checks the servers, then installs and sets up what is missing. With several, it changes none unless all are fit. */
export async function prepareServer(run: Run): Promise<void> {
  const { host, hosts, stack, engine } = run
  say(`01-server on ${list(hosts.map(({ name }) => name))}`)
  await requireFit(run, async (_, look) => await step('Server', look))
  await withLock(host, stack, '01-server', async () => {
    await onEach(hosts, (one) => prepare(run, one))
    await engine.unite()
  })
}

/**
 * Looks at all servers. Changes nothing.
 * @param shown shows what a look returns
 * @throws OperatorError when one of them is not fit
 */
export async function requireFit(
  { hosts, stack, engine, options }: Run,
  shown: (host: Host, look: () => Promise<string>) => Promise<unknown>,
): Promise<void> {
  const images = options.fresh ? undefined : ownNamesByMode(stack)
  await onEach(hosts, (one) => shown(one, () => preflight(one, stack, images)))
  await engine.check()
}

async function prepare({ server, engine }: Run, host: Host): Promise<void> {
  await step('Packages', async () => {
    const installed = await installPackages(host, [...new Set([...server.packages, ...NEEDED])])
    return installed.length > 0
      ? `installed ${list(installed)}`
      : `${list(server.packages)} are installed: nothing to do`
  })
  await step('Users', async () =>
    changes(await applyUsers(host, server.users), list(server.users.map(({ name }) => name))),
  )
  await step('SSH server', async () => changes(await ensureSshd(host), 'runs'))
  await step('SSH logins', async () => applySshd(host, server))
  await step('Docker Engine', async () =>
    changes(
      [...(await ensureEngine(host)), ...(await engine.setUp(host))],
      'runs, new enough, enabled at boot',
    ),
  )
}

function changes(made: string[], unchanged: string): string {
  return made.length > 0 ? list(made) : `${unchanged}: nothing to do`
}

await script(
  import.meta.url,
  `
Prepares a bare Debian or Ubuntu server: users, packages, Docker Engine. A second run changes nothing.

  npx zx scripts/01-server.mts [--host USER@NAME]

Examples:
  npx zx scripts/01-server.mts
  npx zx scripts/01-server.mts --host admin@203.0.113.7
`,
  prepareServer,
  0,
  'setup',
)
