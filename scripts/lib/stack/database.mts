/** PostgreSQL: its two roles, and statements as its superuser. */
import { warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { containerOf } from './stack.mts'

/**
 * Sets up the database, roles, rights and passwords as sql/ and the secrets say; returns whether anything changed.
 * @param ownerSecret name of the secret with the owner's password
 */
export async function applyRoles(
  host: Host,
  stack: StackConfig,
  ownerSecret = 'db_owner_password',
): Promise<boolean> {
  const output = await host.run('Preparing the database roles', rolesScript(stack, ownerSecret))
  const lines = output.split('\n')
  if (lines.some((line) => line.startsWith('sorting '))) warn(sortingWarning(stack))
  const [before, after] = lines.filter((line) => line.startsWith('state '))
  return before !== after
}

function sortingWarning(stack: StackConfig): string {
  const psql = `sudo docker exec ${containerOf(stack, 'db')} psql -U postgres prusa`
  return `The sort order of PostgreSQL's C library has changed: queries may miss rows until the indexes are made again. On the server:
    ${psql} -c 'REINDEX DATABASE CONCURRENTLY prusa' -c 'ALTER DATABASE prusa REFRESH COLLATION VERSION'`
}

/** Defines `sql [DATABASE]`: runs statements from its input as the superuser. */
export const sqlFunction = (stack: StackConfig): Script => remote('sql', { db: containerOf(stack, 'db') })

/** Defines `sql`, and the functions of passwords.sh. Changes to the deployment's folder. */
export function passwordFunctions(stack: StackConfig): Script {
  return join([sqlFunction(stack), remote('passwords', { folder: stack.folder })])
}

function rolesScript(stack: StackConfig, ownerSecret: string): Script {
  const parameters = {
    owner: `secrets/${ownerSecret}`,
    idle_timeout: stack.database.developer_idle_timeout,
  }
  return join([passwordFunctions(stack), remote('roles', parameters)])
}
