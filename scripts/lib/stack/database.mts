/** PostgreSQL: its two roles, and statements as its superuser. */

import { warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { join, remote, type Script } from '../host/shell.mts'
import { containerOf } from './stack.mts'

/**
 * Brings the database, roles, rights and passwords to what sql/ and the secrets say; returns whether anything changed.
 * @param ownerSecret the file among the secrets with the owner's password
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
  return `PostgreSQL sorts texts otherwise than when the indexes were made, and may miss rows by them. On the server:
    ${psql} -c 'REINDEX DATABASE CONCURRENTLY prusa' -c 'ALTER DATABASE prusa REFRESH COLLATION VERSION'`
}

/** `sql [DATABASE]`: runs statements as the superuser. */
export const sqlFunction = (stack: StackConfig): Script => remote('sql', { db: containerOf(stack, 'db') })

/** The same, and functions for what passwords have to do with PostgreSQL; in the deployment's folder. */
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
