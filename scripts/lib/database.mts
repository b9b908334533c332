/** PostgreSQL: its two roles, and statements as its superuser. */
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { warn } from './say.mts'
import { bash, type Script } from './shell.mts'
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

/**
 * `sql`: runs statements as the superuser. Names are looked up in PostgreSQL's own schema and nowhere else: `app` may make a
 * function that fits a call better than PostgreSQL's, and it would run with the superuser's rights.
 */
export const sqlFunction = (stack: StackConfig): Script => bash`
sql() { # [DATABASE]
  docker exec -i -e PGOPTIONS=-csearch_path=pg_catalog ${containerOf(stack, 'db')} \
    psql -v ON_ERROR_STOP=1 -qAtX -U postgres -d "\${1:-prusa}"
}`

/** Functions for what passwords have to do with PostgreSQL; they stay on standard input all the way. */
export function passwordFunctions(stack: StackConfig): Script {
  const db = containerOf(stack, 'db')
  return bash`
cd ${stack.folder}
opens() { # ROLE SECRET
  docker exec -i ${db} sh -c 'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -h 127.0.0.1 -U "$0" -d prusa -qAtX -c "SELECT 1"' "$1" <"$2" >/dev/null 2>&1
}
variable() { # NAME SECRET: a psql variable, quoted as psql wants it
  printf "\\\\set %s '%s'\n" "$1" "$(head -n1 "$2" | sed "s/[\\\\']/\\\\&/g")"
}
${sqlFunction(stack)}`
}

// A password counts as current when it opens the role, as the application would; only another one is set anew (setting
// it gives it another salt, which would be a change on every run).
function rolesScript(stack: StackConfig, ownerSecret: string): Script {
  const owner = `secrets/${ownerSecret}`
  return bash`
${passwordFunctions(stack)}
sql postgres <sql/database.sql
{
  echo '\set idle_timeout '${stack.database.developer_idle_timeout}s
  cat sql/state.sql
  opens app ${owner} || variable owner_password ${owner}
  opens developer secrets/db_developer_password || variable developer_password secrets/db_developer_password
  cat sql/roles.sql sql/rights.sql sql/state.sql
} | sql`
}
