/** The passwords: made and kept on the server, in a folder that only root can enter. They are sent nowhere. */
import { table } from '../cli/table.mts'
import type { StackConfig } from '../config/config.mts'
import { rowsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'

/** Files of one line each in FOLDER/secrets. */
export const SECRETS = ['db_owner_password', 'db_developer_password', 'admin_password'] as const

export type Secrets = (typeof SECRETS)[number]

/** Makes the secrets that are missing; returns the names of those made. */
export async function ensureSecrets(host: Host, stack: StackConfig): Promise<string[]> {
  return await host.lines('Making the secrets', secretsScript(stack))
}

/** Defines `make FILE`: makes a secret. */
export const MAKE = remote('make-secret')

export function secretsScript({ folder }: StackConfig): Script {
  return join([MAKE, remote('secrets', { folder, names: SECRETS })])
}

/** Every file with a secret or a value derived from one, and its use. */
const USES: Record<string, string> = {
  'secrets/db_owner_password': 'opens the role app; in secrets/app.env',
  'secrets/db_developer_password': 'opens the role developer, read-only',
  'secrets/admin_password': 'opens /admin for the user developer; hashed in nginx/htpasswd',
  'backup/passphrase': 'opens the backups: keep a copy elsewhere',
  'secrets/app.env': 'DATABASE_URI; in the environment of the replicas',
  'nginx/htpasswd': 'bcrypt hash, read by nginx',
  'nginx/tls/key.pem': 'key of the certificate, read by nginx',
}

/** A secret without its value. */
interface Kept {
  /** Path below the deployment's folder. */
  file: string
  mode: string
  /** Id of its owner. */
  user: string
  /** UTC. */
  since: string
  /** What it opens. */
  what: string
}

/** The secrets that exist. */
export async function keptSecrets(host: Host, stack: StackConfig): Promise<Kept[]> {
  const output = await host.run(
    'Looking at the secrets',
    bash`
cd ${stack.folder} 2>/dev/null || exit 0
for name in ${Object.keys(USES)} secrets/db_owner_password.new secrets/db_owner_password.next; do
  [ ! -e "$name" ] || TZ=UTC stat --printf "$name\t%a\t%u\t%y\n" "$name"
done`,
  )
  return rowsIn(output).map(([file = '', mode = '', user = '', changed = '']) => {
    return { file, mode, user, since: changed.slice(0, 19), what: USES[file] ?? UNFINISHED }
  })
}

/** A table for people. */
export function secretsTable({ folder }: StackConfig, kept: Kept[]): string {
  const rows = kept.map(({ file, mode, user, since, what }) => [file, mode, user, since, what])
  return table([`in ${folder}`, 'mode', 'user', 'since (UTC)', 'what it is'], rows)
}

const UNFINISHED = 'unfinished: npm run secrets -- rotate db_owner_password'
