/** The installed certificate, which nginx reads: what it says, and how another one replaces it in one rename. */
import { hash, X509Certificate } from 'node:crypto'
import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { mutex } from '../host/lock.mts'
import { bash, join, remote, type Script, Secret } from '../host/shell.mts'
import { containerOf, NGINX_USER } from '../stack/stack.mts'
import type { OwnCertificate } from './own-certificate.mts'
import { addressOf } from './site.mts'

/** Days. A self-signed certificate that ends earlier is renewed. */
const RENEW_BEFORE = 30
/** Days. Every certificate should have been renewed earlier. */
export const OVERDUE = 14
/** Days. Apple's clients refuse more than 825. */
const VALID = 825

/** Facts of an installed certificate. */
export interface Certificate {
  /** SHA-256 of the PEM file. */
  fingerprint: string
  selfSigned: boolean
  /** Who issued it, for people. */
  issuer: string
  /** Milliseconds since 1970. */
  ends: number
  /** Whether OCSP can be stapled: it names a responder, and its issuer is in the file, too. */
  ocsp: boolean
}

/**
 * @param pem the site's certificate, then its issuers
 * @throws OperatorError when it cannot be read
 */
export function readFacts(pem: string): Certificate {
  const leaf = parsed(pem)
  const issuer = new Map(leaf.issuer.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]))
  const chained = pem.split('BEGIN CERTIFICATE').length > 2
  return {
    fingerprint: hash('sha256', pem),
    selfSigned: leaf.issuer === leaf.subject,
    issuer: [issuer.get('O'), issuer.get('CN')].filter(Boolean).join(' ') || 'nobody',
    ends: Date.parse(leaf.validTo),
    ocsp: chained && /OCSP - URI:http/.test(leaf.infoAccess ?? ''),
  }
}

function parsed(pem: string): X509Certificate {
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
 * Installs the operator's own certificate if there is one, else a self-signed one unless the installed one fits. With
 * `letsencrypt` the site starts with the self-signed one; acme.mts does the rest.
 * @param hosts all hosts that show it
 * @returns why another certificate was installed; empty when the installed one was kept
 */
export async function ensureCertificate(
  host: Host,
  stack: StackConfig,
  own?: OwnCertificate,
  hosts: readonly Host[] = [host],
): Promise<string> {
  const addresses = hosts.map((one) => addressOf(one, stack))
  const script = own ? ownScript(stack, own) : selfSignedScript(stack, ...addresses)
  return (await host.run('Preparing the certificate', script)).trim()
}

/** Defines `take_over CERTIFICATE KEY`: installs a certificate and its key. */
export function takeOver(stack: StackConfig): Script {
  const lb = containerOf(stack, 'lb')
  return remote('take-over', { folder: stack.folder, lb, nginx_user: NGINX_USER })
}

/** A script that may `take_over` what it wrote to the folder $made. Nothing else changes nginx meanwhile. */
function taking(stack: StackConfig, script: Script): Script {
  const folder = bash`
umask 077
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
if cd ${stack.folder}/nginx/tls 2>/dev/null; then readable_for_nginx; fi`
  return join([mutex(stack, 'nginx'), takeOver(stack), folder, script])
}

function ownScript(stack: StackConfig, { certificate, key }: OwnCertificate): Script {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return taking(
    stack,
    bash`
base64 -d <<<${base64(certificate)} >"$made/certificate.pem"
base64 -d <<<${new Secret(base64(key.reveal()))} >"$made/key.pem"
there=${stack.folder}/nginx/tls
if cmp -s "$made/certificate.pem" "$there/certificate.pem" && cmp -s "$made/key.pem" "$there/key.pem"; then exit 0; fi
take_over "$made/certificate.pem" "$made/key.pem"
echo 'from the files'`,
  )
}

/** Installs the pair in a folder of the server, unless it has expired or there is none. @returns whether it was another pair */
export async function takeOverFrom(host: Host, stack: StackConfig, folder: string): Promise<boolean> {
  const [certificate, key] = [`${folder}/certificate.pem`, `${folder}/key.pem`]
  const script = bash`
openssl x509 -in ${certificate} -noout -checkend 0 >/dev/null 2>&1 || exit 0
! cmp -s ${certificate} ${stack.folder}/nginx/tls/certificate.pem || exit 0
take_over ${certificate} ${key}
echo taken`
  return (await host.lines('Installing the certificate', taking(stack, script))).includes('taken')
}

/** Characters of a common name at most (X.520, ub-common-name). Clients read the alternative names instead. */
const COMMON_NAME = 64

export function selfSignedScript(stack: StackConfig, ...addresses: string[]): Script {
  // The zone of a link-local address means something on this machine only.
  const names = [
    ...new Set([stack.domain, ...addresses.map((one) => one.replace(/%.*/, ''))].filter(Boolean)),
  ]
  const common = names.find((name) => name.length <= COMMON_NAME) ?? 'localhost'
  const acme = stack.tls === 'letsencrypt'
  const parameters = {
    names,
    // The address is not required of a CA's certificate, which names none.
    required: acme ? [stack.domain] : names,
    common,
    acme,
    renew_before: RENEW_BEFORE,
    valid: VALID,
  }
  return taking(stack, remote('self-signed', parameters))
}

/** Writes nginx's password file for /admin from the secret; returns whether it changed. */
export async function ensureAdminPassword(host: Host, stack: StackConfig): Promise<boolean> {
  const script = remote('admin-password', { folder: stack.folder, nginx_user: NGINX_USER })
  const output = await host.run('Writing the admin password', script)
  return output.trim() === 'changed'
}
