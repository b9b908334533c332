/** The site's certificate: self-signed by openssl on the server, kept while it fits and lasts. */
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { bash } from './shell.mts'

/** Days. A certificate with less left is renewed. */
const RENEW_BEFORE = 30
/** Days. More than 825 is refused by Apple's clients. */
const VALID = 825

/** Number of the user `nginx` in the images of both modes; the load balancer runs as it and reads the key. */
export const NGINX_USER = 101

/** Makes the certificate when it is missing, ends soon or does not name the site; returns why, or nothing when it was kept. */
export async function ensureCertificate(host: Host, stack: StackConfig): Promise<string> {
  const names = [...new Set([stack.domain, host.publicName].filter(Boolean))]
  const output = await host.run('Making the certificate', certificateScript(stack, names))
  return output.trim()
}

// Every address of the server is named but those of Docker's own bridges. The addresses of the moment are not asked of
// an old certificate: a lease that changes is no reason to make every client trust another one.
function certificateScript(stack: StackConfig, names: string[]) {
  return bash`
umask 077
mkdir -p -m 755 ${stack.folder}/nginx ${stack.folder}/nginx/tls
cd ${stack.folder}/nginx/tls
covers() { # NAME: whether the certificate is for it
  local kind=-checkhost
  [[ $1 =~ ^[0-9.]+$|: ]] && kind=-checkip
  [[ $(openssl x509 -in certificate.pem -noout "$kind" "$1") == *'does match'* ]]
}
reason() {
  if [ ! -s certificate.pem ] || [ ! -s key.pem ]; then echo 'new'; return; fi
  if ! cmp -s <(openssl x509 -in certificate.pem -noout -pubkey) <(openssl pkey -in key.pem -pubout); then echo 'the key was another'; return; fi
  if ! openssl x509 -in certificate.pem -noout -checkend $((${RENEW_BEFORE} * 86400)) >/dev/null; then echo 'the old one ends soon'; return; fi
  for name in ${names}; do
    if ! covers "$name"; then echo "the old one did not name $name"; return; fi
  done
}
why=$(reason)
[ -n "$why" ] || exit 0
san() { # every name and address once, as subjectAltName wants it
  printf '%s\n' "$@" | sort -u | sed -E 's/^([0-9.]+|.*:.*)$/IP:&/; t; s/^/DNS:/' | paste -sd,
}
addresses=$(ip -o addr show scope global | awk '$2 !~ /^(docker|br-|veth)/ {sub("/.*", "", $4); print $4}')
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days ${VALID} \
  -subj "/CN=${names[0] ?? 'localhost'}" -addext 'keyUsage=digitalSignature' -addext 'extendedKeyUsage=serverAuth' \
  -addext "subjectAltName=$(san localhost 127.0.0.1 ::1 "$(hostname)" $(hostname -f 2>/dev/null || true) $addresses ${names})" \
  -keyout key.next -out certificate.next 2>/dev/null
chown ${NGINX_USER} key.next
chmod 400 key.next
chmod 644 certificate.next
mv key.next key.pem
mv certificate.next certificate.pem
echo "$why"`
}

/** Writes the user \`developer\` with the secret's password for basic auth; returns whether it changed. */
export async function ensureAdminPassword(host: Host, stack: StackConfig): Promise<boolean> {
  const output = await host.run(
    'Writing the admin password',
    bash`
cd ${stack.folder}/nginx
secret=${stack.folder}/secrets/admin_password
if [ ! -e htpasswd ] || ! htpasswd -vi htpasswd developer <"$secret" >/dev/null 2>&1; then
  umask 077
  # bcrypt at its default cost: a stronger one would let a flood of guesses stall nginx, and 32 random bytes need none.
  htpasswd -niB developer <"$secret" >htpasswd.next
  chown ${NGINX_USER} htpasswd.next
  chmod 400 htpasswd.next
  mv htpasswd.next htpasswd
  echo changed
fi`,
  )
  return output.trim() === 'changed'
}
