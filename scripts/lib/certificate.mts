/** The site's certificate where nginx reads it: which one is there, and taking over another one in one rename. */
import { createHash, X509Certificate } from 'node:crypto'
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { move } from './lock.mts'
import type { Pair } from './pair.mts'
import { bash, join, type Script, Secret } from './shell.mts'
import { addressOf } from './site.mts'
import { containerOf } from './stack.mts'

/** Days. A self-signed certificate with less left is renewed. */
const RENEW_BEFORE = 30
/** Days. More than 825 is refused by Apple's clients. */
const VALID = 825

/** Number of the user `nginx` in the images of both modes; the load balancer runs as it and reads the key. */
export const NGINX_USER = 101

/** What there is to know of an installed certificate. */
export interface Certificate {
  /** SHA-256 of the PEM file. */
  fingerprint: string
  selfSigned: boolean
  /** Who issued it, for people. */
  issuer: string
  /** Milliseconds since 1970. */
  ends: number
  /** Whether it names an OCSP responder and brings the issuer that a question to it takes. */
  ocsp: boolean
}

/** @param pem the site's certificate, its issuers behind it */
export function readFacts(pem: string): Certificate {
  const leaf = parse(pem)
  const issuer = new Map(leaf.issuer.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]))
  const chained = pem.split('BEGIN CERTIFICATE').length > 2
  return {
    fingerprint: createHash('sha256').update(pem).digest('hex'),
    selfSigned: leaf.issuer === leaf.subject,
    issuer: [issuer.get('O'), issuer.get('CN')].filter(Boolean).join(' ') || 'nobody',
    ends: Date.parse(leaf.validTo),
    ocsp: chained && /OCSP - URI:http/.test(leaf.infoAccess ?? ''),
  }
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw new OperatorError(
      'The site’s certificate is missing or cannot be read',
      'npx zx scripts/04-stack.mts',
    )
  }
}

/**
 * Sees to it that the site has a certificate: the operator's pair, or the one that is there while it fits and lasts,
 * or a self-signed one. With `letsencrypt` that is what the site starts on; see acme.mts for the rest.
 * @returns why another one was put in place; empty when it was kept
 */
export async function ensureCertificate(host: Host, stack: StackConfig, pair?: Pair): Promise<string> {
  const script = pair ? pairScript(stack, pair) : selfSignedScript(stack, addressOf(host, stack))
  return (await host.run('Preparing the certificate', script)).trim()
}

/**
 * `take CERTIFICATE KEY`: nginx finds this pair from its next reload or start on. One rename for both, so that no start
 * in between could meet a certificate with another one's key; and back again when a running nginx does not take them.
 */
export function takeOver(stack: StackConfig): Script {
  const lb = containerOf(stack, 'lb')
  return bash`
take() {
  mkdir -p -m 755 ${stack.folder}/nginx
  cd ${stack.folder}/nginx
  fresh=$(mktemp -d tls-XXXXXXXX)
  cp "$1" "$fresh/certificate.pem"
  (umask 077; cp "$2" "$fresh/key.pem")
  (cd "$fresh"; as_nginx_reads)
  [ ! -d tls ] || [ -L tls ] || mv -T tls tls-earlier # a folder in older deployments
  earlier=$(readlink tls || echo tls-earlier)
  point "$fresh"
  if running && ! docker exec ${lb} nginx -t -q -c /etc/prusa/live/nginx.conf >&2; then
    point "$earlier"
    rm -rf "$fresh"
    echo 'nginx does not take this certificate; the one before stays' >&2
    exit 1
  fi
  for old in tls-*; do [ "$old" = "$fresh" ] || rm -rf "$old"; done
}
as_nginx_reads() { # in the folder of a pair
  chmod 755 .
  if [ -e certificate.pem ]; then chmod 644 certificate.pem; fi
  if [ -e key.pem ]; then chown ${NGINX_USER} key.pem; chmod 400 key.pem; fi
}
point() { ln -sfn "$1" tls.next; mv -T tls.next tls; }
running() { [ "$(docker inspect -f '{{.State.Running}}' ${lb} 2>/dev/null)" = true ]; }`
}

/** A script that may `take` the pair which it has put into $made; nobody else changes the load balancer meanwhile. */
function taking(stack: StackConfig, script: Script): Script {
  const folder = bash`
umask 077
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
if cd ${stack.folder}/nginx/tls 2>/dev/null; then as_nginx_reads; fi`
  return join([move(stack, 'nginx'), takeOver(stack), folder, script])
}

function pairScript(stack: StackConfig, { certificate, key }: Pair): Script {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return taking(
    stack,
    bash`
base64 -d <<<${base64(certificate)} >"$made/certificate.pem"
base64 -d <<<${new Secret(base64(key.reveal()))} >"$made/key.pem"
there=${stack.folder}/nginx/tls
if cmp -s "$made/certificate.pem" "$there/certificate.pem" && cmp -s "$made/key.pem" "$there/key.pem"; then exit 0; fi
take "$made/certificate.pem" "$made/key.pem"
echo 'from the files'`,
  )
}

// Every address of the server is named but those of Docker's own bridges. The addresses of the moment are not asked of
// an old certificate: a lease that changes is no reason to make every client trust another one.
/** Letters of a certificate's common name at most (X.520, ub-common-name). Clients go by the alternative names. */
const COMMON_NAME = 64

export function selfSignedScript(stack: StackConfig, address: string): Script {
  // The zone of a link-local address is this machine's own word.
  const names = [...new Set([stack.domain, address.replace(/%.*/, '')].filter(Boolean))]
  const common = names.find((name) => name.length <= COMMON_NAME) ?? 'localhost'
  const acme = stack.tls === 'letsencrypt'
  return taking(
    stack,
    bash`
mkdir -p -m 755 ${stack.folder}/nginx
cd ${stack.folder}/nginx
self_signed() { [ "$(openssl x509 -in tls/certificate.pem -noout -issuer_hash)" = "$(openssl x509 -in tls/certificate.pem -noout -subject_hash)" ]; }
lasts() { openssl x509 -in tls/certificate.pem -noout -checkend $(($1 * 86400)) >/dev/null; } # DAYS
covers() { # NAME: whether the certificate is for it
  local kind=-checkhost
  [[ $1 =~ ^[0-9.]+$|: ]] && kind=-checkip
  [[ $(openssl x509 -in tls/certificate.pem -noout "$kind" "$1") == *'does match'* ]]
}
reason() {
  local days=${RENEW_BEFORE}
  if [ ! -s tls/certificate.pem ] || [ ! -s tls/key.pem ]; then echo 'new'; return; fi
  if ! cmp -s <(openssl x509 -in tls/certificate.pem -noout -pubkey) <(openssl pkey -in tls/key.pem -pubout); then echo 'the key was another'; return; fi
  if ! self_signed; then
    # A CA's stays with letsencrypt, whose own renewal takes care of it, until its very end.
    if ! ${acme}; then echo 'the old one was issued by a CA'; return; fi
    days=0
  fi
  if ! lasts $days; then echo 'the old one ends soon'; return; fi
  for name in ${acme ? [stack.domain] : names}; do
    if ! covers "$name"; then echo "the old one did not name $name"; return; fi
  done
}
why=$(reason)
[ -n "$why" ] || exit 0
san() { # every name and address once, as subjectAltName wants it
  printf '%s\n' "$@" | sort -u | sed -E 's/^([0-9.]+|.*:.*)$/IP:&/; t; s/^/DNS:/' | paste -sd,
}
addresses=$(ip -o addr show scope global | awk '$2 !~ /^(docker|br-|veth)/ {sub("/.*", "", $4); print $4}')
common=${common}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days ${VALID} \
  -subj "/CN=$common" -addext 'keyUsage=digitalSignature' -addext 'extendedKeyUsage=serverAuth' \
  -addext "subjectAltName=$(san localhost 127.0.0.1 ::1 "$(hostname)" $(hostname -f 2>/dev/null || true) $addresses ${names})" \
  -keyout "$made/key.pem" -out "$made/certificate.pem"
take "$made/certificate.pem" "$made/key.pem"
echo "made by openssl ($why)"`,
  )
}

/** Writes the user \`developer\` with the secret's password for basic auth; returns whether it changed. */
export async function ensureAdminPassword(host: Host, stack: StackConfig): Promise<boolean> {
  const output = await host.run(
    'Writing the admin password',
    bash`
cd ${stack.folder}/nginx
secret=${stack.folder}/secrets/admin_password
if [ "$(stat -c %a:%u htpasswd 2>/dev/null)" != 400:${NGINX_USER} ] || ! htpasswd -vi htpasswd developer <"$secret" >/dev/null 2>&1; then
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
