/** The passwords: made on the server, kept there in one folder that only root can enter, never sent anywhere else. */

import { table } from '../cli/table.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'

/** Names that others rely on: files of one line each in FOLDER/secrets. */
export const SECRETS = ['db_owner_password', 'db_developer_password', 'admin_password'] as const

export type Secrets = (typeof SECRETS)[number]

/** Makes the secrets that are missing; returns the names of those made. */
export async function ensureSecrets(host: Host, stack: StackConfig): Promise<string[]> {
  const output = await host.run('Making the secrets', secretsScript(stack))
  return output.split('\n').filter(Boolean)
}

/** `make FILE`, for a new secret. */
export const MAKE = remote('make-secret')

export function secretsScript({ folder }: StackConfig): Script {
  return join([MAKE, remote('secrets', { folder, names: SECRETS })])
}

/** Every file that holds a secret or what follows from one, and where it is in force. */
const PLACES: Record<string, string> = {
  'secrets/db_owner_password': 'opens the role app; in secrets/app.env',
  'secrets/db_developer_password': 'opens the role developer, read-only',
  'secrets/admin_password': 'opens /admin for the user developer; hashed in nginx/htpasswd',
  'secrets/app.env': 'DATABASE_URI; in the environment of the replicas',
  'nginx/htpasswd': 'bcrypt hash, read by nginx',
  'nginx/tls/key.pem': 'key of the certificate, read by nginx',
}

/** A secret that is there, without its value. */
export interface Kept {
  /** In the server's folder. */
  file: string
  mode: string
  /** The number of its owner. */
  user: string
  /** UTC. */
  since: string
  /** What it opens. */
  what: string
}

export async function keptSecrets(host: Host, stack: StackConfig): Promise<Kept[]> {
  const output = await host.run(
    'Looking at the secrets',
    bash`
cd ${stack.folder} 2>/dev/null || exit 0
for name in ${Object.keys(PLACES)} secrets/db_owner_password.new secrets/db_owner_password.next; do
  [ ! -e "$name" ] || TZ=UTC stat --printf "$name\t%a\t%u\t%y\n" "$name"
done`,
  )
  const lines = output.split('\n').filter(Boolean)
  return lines.map((line) => {
    const [file = '', mode = '', user = '', changed = ''] = line.split('\t')
    return { file, mode, user, since: changed.slice(0, 19), what: PLACES[file] ?? UNFINISHED }
  })
}

export function secretsTable({ folder }: StackConfig, kept: Kept[]): string {
  const rows = kept.map(({ file, mode, user, since, what }) => [file, mode, user, since, what])
  return table([`in ${folder}`, 'mode', 'user', 'since (UTC)', 'what it is'], rows)
}

const UNFINISHED = 'unfinished: npm run secrets -- rotate db_owner_password'
