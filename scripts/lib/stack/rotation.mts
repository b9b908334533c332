/**
 * Replaces a password. The owner's password is in the environment of every replica, so replicas use the role app_bridge
 * while it changes. The names of files show the progress, so that the next run can finish an interrupted one:
 *   db_owner_password.new    exists: app_bridge is being prepared; no replica uses it
 *   db_owner_password.next   exists: it is the password of app_bridge, and DATABASE_URI names app_bridge (secrets.sh)
 *   neither, but app_bridge exists: the owner has the new password; replicas may still use app_bridge
 */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { applyRoles, passwordFunctions } from './database.mts'
import { ensureSecrets, MAKE, type Secrets } from './secrets.mts'

/** Replaces the file of a secret; nothing uses the new password yet. */
export async function replaceSecret(host: Host, stack: StackConfig, name: Secrets): Promise<void> {
  await host.run('Making the secret', join([MAKE, bash`cd ${stack.folder}/secrets; make ${name}`]))
}

/** Whether an earlier run was interrupted after the owner had got its new password. */
export async function isLeftOver(host: Host, stack: StackConfig): Promise<boolean> {
  const output = await host.run(
    'Looking for an unfinished rotation',
    bash`
${passwordFunctions(stack)}
[ ! -e secrets/db_owner_password.new ] && [ ! -e secrets/db_owner_password.next ] || exit 0
sql <<<"SELECT 'left' FROM pg_roles WHERE rolname = 'app_bridge'"`,
  )
  return output.trim() === 'left'
}

/** Makes the new password and the role app_bridge with it; DATABASE_URI names app_bridge then. */
export async function raiseBridge(host: Host, stack: StackConfig): Promise<void> {
  const script = join([passwordFunctions(stack), MAKE, remote('raise-bridge')])
  await host.run('Preparing the role app_bridge', script)
  await ensureSecrets(host, stack)
}

/** Gives the owner the new password; DATABASE_URI names the owner again. */
export async function changeOwner(host: Host, stack: StackConfig): Promise<void> {
  await applyRoles(host, stack, 'db_owner_password.next')
  await host.run(
    'Writing the secret',
    bash`cd ${stack.folder}/secrets; mv db_owner_password.next db_owner_password`,
  )
  await ensureSecrets(host, stack)
}

/** Removes the role app_bridge, which no replica uses any more. */
export async function removeBridge(host: Host, stack: StackConfig): Promise<void> {
  await host.run('Removing the role app_bridge', join([passwordFunctions(stack), bash`sql <sql/bridge.sql`]))
}
