/** The passwords: made on the server, kept there in one folder that only root can enter, never sent anywhere else. */
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { bash, type Script } from './shell.mts'

/** Names that others rely on: files of one line each in FOLDER/secrets. */
export const SECRETS = ['db_owner_password', 'db_developer_password', 'admin_password'] as const

/** Makes the secrets that are missing; returns the names of those made. */
export async function ensureSecrets(host: Host, stack: StackConfig): Promise<string[]> {
  const output = await host.run('Making the secrets', secretsScript(stack))
  return output.split('\n').filter(Boolean)
}

// 32 random bytes as base64url: safe in a URI, in SQL and in a shell. The application's DATABASE_URI is derived, so
// that a password changed by hand takes effect everywhere; jq's @uri leaves nothing that a URI could misread.
export function secretsScript(stack: StackConfig): Script {
  return bash`
umask 077
mkdir -p -m 700 ${stack.folder} ${stack.folder}/secrets
cd ${stack.folder}/secrets
for name in ${SECRETS}; do
  [ ! -s "$name" ] || continue
  head -c 32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '=' >"$name.next"
  echo >>"$name.next"
  mv "$name.next" "$name"
  echo "$name"
done
printf 'DATABASE_URI=postgresql+psycopg2://app:%s@db:5432/prusa\n' "$(head -n1 db_owner_password | tr -d '\n' | jq -sRr @uri)" >app.env.next
if cmp -s app.env.next app.env; then rm app.env.next; else mv app.env.next app.env; fi`
}
