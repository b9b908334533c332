/** A prompt of the database, or one statement. No password is typed, and none is shown. */
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
  // Where nobody reads along, the first error ends it, and the exit code tells.
  const words = [...(onTerminal() ? [] : ['-v', 'ON_ERROR_STOP=1']), ...(c === undefined ? [] : ['-c', c])]
  process.exitCode = await host.attach(bash`
${login[role](containerOf(stack, 'db'), `${stack.folder}/secrets`)} -d prusa ${words}`)
}

/** The password goes from its file through the environment of two programs. */
const byPassword = (user: string, secret: string) => (db: string, secrets: string) =>
  bash`
PGPASSWORD=$(head -n1 ${`${secrets}/${secret}`}); export PGPASSWORD
exec ${execInto()} -e PGPASSWORD ${db} psql -h 127.0.0.1 -U ${user}`

const login: Record<(typeof ROLES)[number], (db: string, secrets: string) => Script> = {
  developer: byPassword('developer', 'db_developer_password'),
  owner: byPassword('app', 'db_owner_password'),
  // Names are looked up where `app` can make none: remote/sql.sh says why.
  admin: (db) => bash`exec ${execInto()} -e PGOPTIONS=-csearch_path=pg_catalog ${db} psql -U postgres`,
}

await script(
  import.meta.url,
  `
Opens psql on the database: on a terminal to type into, else for the statements on standard input.
Its exit code is passed on.

  npm run psql [-- --as ROLE -c SQL --host USER@NAME]

  --as ROLE          developer (may only read, unless told), owner (of the application's tables), or admin (the superuser;
                     its tables need their schema: public.palindromes)
  -c SQL             this statement alone

Examples:
  npm run psql
  npx zx scripts/psql.mts -c 'SELECT count(*) FROM palindromes'
`,
  openPrompt,
)
