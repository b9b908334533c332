/** Prepares the server: packages, users, SSH server, Docker Engine. It changes nothing on a server that is not fit. */

import { list, say, step } from './lib/cli/say.mts'
import { withLock } from './lib/host/lock.mts'
import { ownNamesByMode } from './lib/images/base.mts'
import { type Run, script } from './lib/run.mts'
import { ensureEngine, ensureSshd, outliveEngine } from './lib/server/engine.mts'
import { installPackages, NEEDED } from './lib/server/packages.mts'
import { preflight } from './lib/server/preflight.mts'
import { applySshd } from './lib/server/sshd.mts'
import { applyUsers } from './lib/server/users.mts'

/** Checks the server, then installs and sets up what is missing. */
export async function prepareServer({ host, stack, server, options }: Run): Promise<void> {
  say(`01-server on ${host.name}`)
  await step('Server', async () => preflight(host, stack, options.fresh ? undefined : ownNamesByMode(stack)))
  await withLock(host, stack, '01-server', async () => {
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
        [...(await ensureEngine(host)), ...(await outliveEngine(host))],
        'runs, new enough, enabled at boot',
      ),
    )
  })
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
)
