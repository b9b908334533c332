/** SQL as one of the roles, over TCP with the password from the secrets. */
import type { Deployment } from './deployment.mts'
import { docker } from './deployment.mts'

export interface Answered {
  ok: boolean
  /** Rows, or what the server said. */
  text: string
}

/** Runs statements as a role; at the first error it ends. The password goes in on standard input. */
export async function as(
  site: Deployment,
  role: string,
  sql: string,
  options: { database?: string; password?: string } = {},
): Promise<Answered> {
  const names: Record<string, string> = { app: 'db_owner_password', developer: 'db_developer_password' }
  const password = options.password ?? (names[role] ? site.secret(names[role]) : 'none')
  const script =
    'IFS= read -r PGPASSWORD; export PGPASSWORD; exec psql -h 127.0.0.1 -U "$0" -d "$1" -v ON_ERROR_STOP=1 -qAtX'
  const told = await docker({
    nothrow: true,
    input: `${password}\n${sql}\n`,
  })`docker exec -i ${site.project}-db-1 sh -c ${script} ${role} ${options.database ?? 'prusa'}`
  return { ok: told.exitCode === 0, text: told.stdall.trim() }
}

/**
 * Tries each statement, one line, in a session of its own; one program in the container does it, since a call of Docker
 * costs more than a session.
 * @param first what each session does before
 */
export async function each(
  site: Deployment,
  role: 'app' | 'developer',
  statements: string[],
  first = '',
): Promise<(Answered & { sql: string })[]> {
  const name = role === 'app' ? 'db_owner_password' : 'db_developer_password'
  const script = `IFS= read -r PGPASSWORD; export PGPASSWORD
while IFS= read -r sql; do
  printf '%s\\n' "$1" "$sql;" | psql -h 127.0.0.1 -U "$0" -d prusa -v ON_ERROR_STOP=1 -qAtX 2>&1
  echo "exit code $?"
done`
  const input = [site.secret(name), ...statements].map((line) => `${line}\n`).join('')
  const { stdout } = await docker({
    input,
  })`docker exec -i ${site.project}-db-1 sh -c ${script} ${role} ${first}`
  const answers = stdout.split(/^exit code (\d+)\n/m)
  return statements.map((sql, index) => ({
    sql,
    ok: answers[2 * index + 1] === '0',
    text: (answers[2 * index] ?? '').trim(),
  }))
}

/** Runs statements as the superuser, over the container's own socket. */
export async function asPostgres(site: Deployment, sql: string): Promise<string> {
  const told = await docker({
    input: sql,
  })`docker exec -i ${site.project}-db-1 psql -v ON_ERROR_STOP=1 -qAtX -U postgres -d prusa`
  return told.stdout.trim()
}
