/** The operator's own certificate and key (tls: files): read and checked here before the server hears of them. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import tls from 'node:tls'
import { OperatorError } from '../cli/errors.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import { Secret } from '../host/shell.mts'

/** Days. A certificate with less left gets a warning. */
const WARN_BEFORE = 30
const DAY = 86_400_000

export interface Pair {
  /** PEM: the site's own certificate first, each followed by its issuer, and nothing else that the file may hold. */
  certificate: string
  key: Secret
  /** What is no reason to refuse it but should be known. */
  warnings: string[]
}

/**
 * The configured pair, found good; nothing with another `tls`.
 * @throws OperatorError with the first thing that is wrong with it
 */
export function readPair(stack: StackConfig, now = Date.now()): Pair | undefined {
  if (stack.tls !== 'files') return undefined
  const { certificate, key } = stack.tls_files
  return checkPair(
    { file: certificate, text: read('tls_files.certificate', certificate) },
    { file: key, text: read('tls_files.key', key) },
    stack.domain,
    now,
  )
}

interface Named {
  /** As configured, for messages. */
  file: string
  text: string
}

/**
 * What nginx judges when it loads them, openssl judges here; what only a client would notice is looked at besides.
 * @param domain the name that the site is called by; empty: whatever name the client used
 */
export function checkPair({ file, text }: Named, key: Named, domain: string, now: number): Pair {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const certificate = blocks.map((block) => `${block}\n`).join('')
  load(file, key.file, certificate || 'none')
  load(file, key.file, certificate, key.text)
  const chain = blocks.map((block) => new X509Certificate(block))
  checkOrder(file, chain)
  checkDates(file, chain, now)
  const [leaf] = chain as [X509Certificate]
  if (domain && !leaf.checkHost(domain))
    refuse(
      `The certificate in ${file} is not for ${domain}; it names ${leaf.subjectAltName ?? 'nobody'}`,
      `Get one for ${domain}, or correct domain in config/stack.yaml.`,
    )
  return { certificate, key: new Secret(key.text), warnings: warnings(file, chain, now) }
}

function read(name: string, file: string): string {
  try {
    return readFileSync(path.resolve(ROOT, file), 'utf8')
  } catch (error) {
    const [, why] = /: ([^,]+)/.exec((error as Error).message) ?? []
    return refuse(`The file ${file} cannot be read: ${why}`, `Correct ${name} in config/stack.yaml.`)
  }
}

/** As nginx will, by openssl and at the security level that Debian's has. */
function load(certificate: string, key: string, cert: string, own?: string): void {
  try {
    tls.createSecureContext({ cert, ...(own && { key: own }), ciphers: 'DEFAULT@SECLEVEL=2' })
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    const said = message.split(':').at(-1)
    if (code.endsWith('KEY_VALUES_MISMATCH'))
      refuse(
        `The key in ${key} does not fit the certificate in ${certificate}`,
        'Give the key that the certificate was asked for with: tls_files.key in config/stack.yaml. The site’s own certificate comes first in its file.',
      )
    if (code.endsWith('KEY_TOO_SMALL'))
      refuse(
        `The key in ${key} is too small for nginx, which takes RSA keys from 2048 bits on`,
        'Get a certificate with a larger key, or an ECDSA one.',
      )
    if (/DECRYPT|PASS/.test(code))
      refuse(
        `The key in ${key} has a passphrase, which nobody could type when nginx starts`,
        `Take it off: openssl pkey -in ${key} -out key.pem`,
      )
    if (own)
      refuse(
        `${key} holds no private key in PEM form (${said})`,
        'Correct tls_files.key in config/stack.yaml.',
      )
    refuse(
      `${certificate} holds no certificate in PEM form (${said})`,
      `If it is in DER form: openssl x509 -inform der -in ${certificate} -out certificate.pem`,
    )
  }
}

/** nginx sends a chain as it stands, and most clients go by its order. */
function checkOrder(file: string, chain: X509Certificate[]): void {
  const issued = (one: X509Certificate, by: X509Certificate) =>
    one.checkIssued(by) && one.verify(by.publicKey)
  const stranger = chain.findIndex(
    (by, index) => index > 0 && !issued(chain[index - 1] as X509Certificate, by),
  )
  if (stranger > 0)
    refuse(
      `The chain in ${file} is not in order: certificate ${stranger + 1} (${name(chain[stranger])}) did not issue certificate ${stranger} (${name(chain[stranger - 1])})`,
      'Put the site’s own certificate first, then each one’s issuer behind it, and nothing else.',
    )
}

function checkDates(file: string, chain: X509Certificate[], now: number): void {
  for (const one of chain) {
    if (now > Date.parse(one.validTo))
      refuse(
        `The certificate of ${name(one)} in ${file} ended on ${day(one.validTo)}`,
        'Renew it and run again.',
      )
    if (now < Date.parse(one.validFrom))
      refuse(
        `The certificate of ${name(one)} in ${file} is valid from ${day(one.validFrom)} only`,
        'Wait until then, or correct this machine’s clock.',
      )
  }
}

function warnings(file: string, [leaf, ...issuers]: X509Certificate[], now: number): string[] {
  const days = Math.floor((Date.parse(leaf?.validTo ?? '') - now) / DAY)
  const alone = issuers.length === 0 && leaf?.issuer !== leaf?.subject
  return [
    days < WARN_BEFORE ? `The certificate in ${file} ends in ${days} days: renew it and deploy again.` : '',
    alone
      ? `${file} holds the site’s certificate alone: clients that do not know its issuer will refuse it; append the intermediates.`
      : '',
  ].filter(Boolean)
}

/** The common name, or all of it. */
const name = (one?: X509Certificate) => /^CN=(.*)$/m.exec(one?.subject ?? '')?.[1] ?? one?.subject

const day = (text: string) => new Date(text).toISOString().slice(0, 10)

function refuse(what: string, next: string): never {
  throw new OperatorError(what, next, 'nothing was contacted or changed.')
}
