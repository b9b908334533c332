/** The operator's own certificate and key (tls: files): read and checked here before the server hears of them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT, type StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import { Secret } from './shell.mts'

/** Days. A certificate with less left gets a warning. */
const WARN_BEFORE = 30
/** OpenSSL takes no shorter RSA keys at its default security level. */
const RSA_BITS = 2048
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

/** @param domain the name that the site is called by; empty: whatever name the client used */
export function checkPair(certificate: Named, key: Named, domain: string, now: number): Pair {
  const chain = parseChain(certificate)
  const leaf = chain[0] as X509Certificate
  checkOrder(certificate, chain)
  checkName(certificate, leaf, domain)
  checkDates(certificate, chain, now)
  const parsed = parseKey(key)
  const bits = parsed.asymmetricKeyDetails?.modulusLength ?? RSA_BITS
  if (bits < RSA_BITS)
    refuse(
      `The key in ${key.file} has ${bits} bits, and nginx takes RSA keys from ${RSA_BITS} on`,
      'Get a certificate with a larger key, or an ECDSA one.',
    )
  if (!leaf.checkPrivateKey(parsed))
    refuse(
      `The key in ${key.file} does not fit the certificate in ${certificate.file}`,
      'Give the key that the certificate was asked for with: tls_files.key in config/stack.yaml.',
    )
  return {
    certificate: chain.map(String).join(''),
    key: new Secret(key.text),
    warnings: warnings(certificate, chain, now),
  }
}

function read(name: string, file: string): string {
  try {
    return readFileSync(path.resolve(ROOT, file), 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const why = { ENOENT: 'is not there', EACCES: 'may not be read by you', EISDIR: 'is a folder' }[code]
    return refuse(
      `The file ${file} ${why ?? `cannot be read (${code})`}`,
      `Correct ${name} in config/stack.yaml.`,
    )
  }
}

function parseChain({ file, text }: Named): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0)
    refuse(
      `${file} holds no certificate in PEM form`,
      `If it is in DER form: openssl x509 -inform der -in ${file} -out certificate.pem`,
    )
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch {
      return refuse(
        `Certificate ${index + 1} of ${blocks.length} in ${file} cannot be read`,
        'Get it anew from whoever issued it.',
      )
    }
  })
}

function checkOrder({ file }: Named, chain: X509Certificate[]): void {
  if (chain[0]?.ca && chain.length > 1)
    refuse(
      `The first certificate in ${file} is a CA’s (${name(chain[0])}), not the site’s`,
      'Put the site’s own certificate first, then each one’s issuer behind it.',
    )
  for (const [index, issuer] of chain.slice(1).entries()) {
    const issued = chain[index] as X509Certificate
    if (!issued.checkIssued(issuer) || !issued.verify(issuer.publicKey))
      refuse(
        `The chain in ${file} is not in order: certificate ${index + 2} (${name(issuer)}) did not issue certificate ${index + 1} (${name(issued)})`,
        'Put the site’s own certificate first, then each one’s issuer behind it, and nothing else.',
      )
  }
}

function checkName({ file }: Named, leaf: X509Certificate, domain: string): void {
  if (domain && !leaf.checkHost(domain))
    refuse(
      `The certificate in ${file} is not for ${domain}; it names ${leaf.subjectAltName ?? 'nobody'}`,
      `Get one for ${domain}, or correct domain in config/stack.yaml.`,
    )
}

function checkDates({ file }: Named, chain: X509Certificate[], now: number): void {
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

function parseKey({ file, text }: Named): KeyObject {
  try {
    return createPrivateKey(text)
  } catch (error) {
    if (/ENCRYPTED/.test(text) || (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE')
      return refuse(
        `The key in ${file} has a passphrase, which nobody could type when nginx starts`,
        `Take it off: openssl pkey -in ${file} -out key.pem`,
      )
    return refuse(`${file} holds no private key in PEM form`, 'Correct tls_files.key in config/stack.yaml.')
  }
}

function warnings({ file }: Named, chain: X509Certificate[], now: number): string[] {
  const leaf = chain[0] as X509Certificate
  const days = Math.floor((Date.parse(leaf.validTo) - now) / DAY)
  const alone = chain.length === 1 && leaf.issuer !== leaf.subject
  return [
    ...(days < WARN_BEFORE
      ? [`The certificate in ${file} ends in ${days} days: renew it and deploy again.`]
      : []),
    ...(alone
      ? [
          `${file} holds the site’s certificate alone: clients that do not know ${name(leaf, 'issuer')} will refuse it; append the intermediates.`,
        ]
      : []),
  ]
}

/** The common name, or all of it. */
function name(one: X509Certificate, of: 'subject' | 'issuer' = 'subject'): string {
  return /^CN=(.*)$/m.exec(one[of])?.[1] ?? (one[of] || 'nobody').replaceAll('\n', ', ')
}

const day = (text: string) => new Date(text).toISOString().slice(0, 10)

function refuse(what: string, next: string): never {
  throw new OperatorError(what, next, 'nothing was contacted or changed.')
}
