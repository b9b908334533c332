/** Opens psql on the database, or runs one statement. No password is typed or shown. */
import process from 'node:process'
import { WrongCall } from './lib/cli/errors.mts'
import { nearest } from './lib/cli/nearest.mts'
import { list } from './lib/cli/say.mts'
import { onTerminal } from './lib/host/process.mts'
import { bash, type Script } from './lib/host/shell.mts'
import { type Run, script } from './lib/run.mts'
import { execInto } from './lib/stack/services.mts'
import { containerOf, requireRunning } from './lib/stack/stack.mts'

const ROLES = ['developer', 'owner', 'admin'] as const

export async function openPrompt({ host, stack, options }: Run): Promise<void> {
  const { as = 'developer', c } = options
  const role = ROLES.find((one) => one === as)
  if (!role)
    throw new WrongCall(
      `There is no role “${as}”; the nearest is “${nearest(as, ROLES)}”`,
      `--as takes ${list([...ROLES])}.`,
    )
  await requireRunning(host, stack, 'db')
  // Without a terminal, the first error ends psql, and the exit code reports it.
  const words = [...(onTerminal() ? [] : ['-v', 'ON_ERROR_STOP=1']), ...(c === undefined ? [] : ['-c', c])]
  process.exitCode = await host.attach(bash`
${login[role](containerOf(stack, 'db'), `${stack.folder}/secrets`)} -d prusa ${words}`)
}

/** The password goes from its file to psql by the environment of docker and of psql. */
const byPassword = (user: string, secret: string) => (db: string, secrets: string) =>
  bash`
PGPASSWORD=$(head -n1 ${`${secrets}/${secret}`}); export PGPASSWORD
exec ${execInto()} -e PGPASSWORD ${db} psql -h 127.0.0.1 -U ${user}`

const login: Record<(typeof ROLES)[number], (db: string, secrets: string) => Script> = {
  developer: byPassword('developer', 'db_developer_password'),
  owner: byPassword('app', 'db_owner_password'),
  // Names are looked up only in pg_catalog, where `app` can create nothing: remote/sql.sh says why.
  admin: (db) => bash`exec ${execInto()} -e PGOPTIONS=-csearch_path=pg_catalog ${db} psql -U postgres`,
}

await script(
  import.meta.url,
  `
Opens psql on the database: interactive on a terminal, else for the statements on standard input.
The exit code is that of psql.

  npm run psql [-- --as ROLE -c SQL --host USER@NAME]

  --as ROLE          developer (the default; it can only read), owner (of the application's tables), or admin (the superuser,
                     who must name the schema of a table: public.palindromes)
  -c SQL             run this statement and end

Examples:
  npm run psql
  npx zx scripts/psql.mts -c 'SELECT count(*) FROM palindromes'
`,
  openPrompt,
  0,
  'data',
)
