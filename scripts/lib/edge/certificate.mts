/** The site's certificate where nginx reads it: which one is there, and taking over another one in one rename. */
import { hash, X509Certificate } from 'node:crypto'
import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { mutex } from '../host/lock.mts'
import { bash, join, remote, type Script, Secret } from '../host/shell.mts'
import { containerOf } from '../stack/stack.mts'
import type { Pair } from './pair.mts'
import { addressOf } from './site.mts'

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
    fingerprint: hash('sha256', pem),
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

/** `take_over CERTIFICATE KEY`, for a script on the server. */
export function takeOver(stack: StackConfig): Script {
  const lb = containerOf(stack, 'lb')
  return remote('take-over', { folder: stack.folder, lb, nginx_user: NGINX_USER })
}

/** A script that may `take_over` the pair which it has put into $made; nobody else changes the load balancer meanwhile. */
function taking(stack: StackConfig, script: Script): Script {
  const folder = bash`
umask 077
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
if cd ${stack.folder}/nginx/tls 2>/dev/null; then as_nginx_reads; fi`
  return join([mutex(stack, 'nginx'), takeOver(stack), folder, script])
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
take_over "$made/certificate.pem" "$made/key.pem"
echo 'from the files'`,
  )
}

/** Letters of a certificate's common name at most (X.520, ub-common-name). Clients go by the alternative names. */
const COMMON_NAME = 64

export function selfSignedScript(stack: StackConfig, address: string): Script {
  // The zone of a link-local address is this machine's own word.
  const names = [...new Set([stack.domain, address.replace(/%.*/, '')].filter(Boolean))]
  const common = names.find((name) => name.length <= COMMON_NAME) ?? 'localhost'
  const acme = stack.tls === 'letsencrypt'
  const parameters = {
    names,
    // An address may change, and a CA's certificate names none.
    asked: acme ? [stack.domain] : names,
    common,
    acme,
    renew_before: RENEW_BEFORE,
    valid: VALID,
  }
  return taking(stack, remote('self-signed', parameters))
}

/** Writes the user \`developer\` with the secret's password for basic auth; returns whether it changed. */
export async function ensureAdminPassword(host: Host, stack: StackConfig): Promise<boolean> {
  const script = remote('admin-password', { folder: stack.folder, nginx_user: NGINX_USER })
  const output = await host.run('Writing the admin password', script)
  return output.trim() === 'changed'
}
