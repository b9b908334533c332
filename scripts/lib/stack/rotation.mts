/**
 * A new password in place of one that is in force. The owner's is in every replica's environment, so a role stands in
 * for it meanwhile. How far that has come is in the names of files, so that the next run finishes what was cut off:
 *   db_owner_password.new    made; the stand-in is being prepared, no replica knows of it
 *   db_owner_password.next   opens the stand-in, which DATABASE_URI names from now on (secrets.mts)
 *   neither, but the stand-in is there: the password is the owner's; replicas may still be on the stand-in
 */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { applyRoles, passwordFunctions } from './database.mts'
import { ensureSecrets, MAKE, type Secrets } from './secrets.mts'

/** Makes a new secret in place of the one there; it is not in force yet. */
export async function replaceSecret(host: Host, stack: StackConfig, name: Secrets): Promise<void> {
  await host.run('Making the secret', join([MAKE, bash`cd ${stack.folder}/secrets; make ${name}`]))
}

/** Whether an earlier run was cut off after the owner had got its new password. */
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

/** Makes the new password, lets it open the stand-in, and writes the stand-in into the application's DATABASE_URI. */
export async function raiseBridge(host: Host, stack: StackConfig): Promise<void> {
  const script = join([passwordFunctions(stack), MAKE, remote('raise-bridge')])
  await host.run('Preparing the role app_bridge', script)
  await ensureSecrets(host, stack)
}

/** Gives the owner the new password; the application's DATABASE_URI names the owner again. */
export async function changeOwner(host: Host, stack: StackConfig): Promise<void> {
  await applyRoles(host, stack, 'db_owner_password.next')
  await host.run(
    'Writing the secret',
    bash`cd ${stack.folder}/secrets; mv db_owner_password.next db_owner_password`,
  )
  await ensureSecrets(host, stack)
}

/** Removes the stand-in; nobody uses it any more. */
export async function removeBridge(host: Host, stack: StackConfig): Promise<void> {
  await host.run('Removing the role app_bridge', join([passwordFunctions(stack), bash`sql <sql/bridge.sql`]))
}
