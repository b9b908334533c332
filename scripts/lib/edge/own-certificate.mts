/**
 * The operator's own certificate and key (tls: files), checked on this machine before the server is contacted. nginx
 * checks the rest before it takes them over, such as the size of a key.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { OperatorError } from '../cli/errors.mts'
import { day, daysBetween } from '../cli/time.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import { UNTOUCHED } from '../config/schema.mts'
import { Secret } from '../host/shell.mts'

/** Days. A certificate that ends earlier gets a warning. */
const WARN_BEFORE = 30

export interface OwnCertificate {
  /** PEM: the site's certificate, then each issuer; nothing else that the file may contain. */
  certificate: string
  key: Secret
  warnings: string[]
}

/** A file's name as configured, for messages, and its content. */
interface File {
  file: string
  text: string
}

/** @throws OperatorError with the first fault of the configured files; with another `tls` they are not read */
export function readOwnCertificate(stack: StackConfig): OwnCertificate | undefined {
  if (stack.tls !== 'files') return undefined
  const read = (name: 'certificate' | 'key') => readConfigured(`tls_files.${name}`, stack.tls_files[name])
  return checkOwnCertificate(read('certificate'), read('key'), stack.domain)
}

/**
 * Reads a file that config/stack.yaml names.
 * @param name of the key there
 * @throws OperatorError when it cannot be read
 */
export function readConfigured(name: string, file: string): File {
  try {
    return { file, text: readFileSync(path.resolve(ROOT, file), 'utf8') }
  } catch (error) {
    const [, why] = /: ([^,]+)/.exec((error as Error).message) ?? []
    throw fault(`The file ${file} cannot be read: ${why}`, `Correct ${name} in config/stack.yaml.`)
  }
}

/**
 * @param domain name of the site; empty: every name is right
 * @param now    milliseconds since 1970
 * @throws OperatorError with the first fault found
 */
export function checkOwnCertificate(
  { file, text }: File,
  key: File,
  domain: string,
  now = Date.now(),
): OwnCertificate {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const [leaf, ...issuers] = parsed(() => blocks.map((block) => new X509Certificate(block))) ?? []
  if (!leaf)
    throw fault(
      `${file} contains no valid certificate in PEM form`,
      `If it is in DER form: openssl x509 -inform der -in ${file} -out certificate.pem`,
    )
  checkKey(leaf, file, key)
  checkChain(file, [leaf, ...issuers], now)
  if (domain && !leaf.checkHost(domain))
    throw fault(
      `The certificate in ${file} is not for ${domain}; it names ${leaf.subjectAltName ?? 'nothing'}`,
      `Get a certificate for ${domain}, or correct domain in config/stack.yaml.`,
    )
  const days = daysBetween(now, Date.parse(leaf.validTo))
  const soon = `The certificate in ${file} ends in ${days} days: renew it and deploy again.`
  const alone = `${file} contains only the site’s certificate: clients that do not know its issuer will refuse it. Append the intermediate certificates.`
  return {
    certificate: blocks.map((block) => `${block}\n`).join(''),
    key: new Secret(key.text),
    warnings: [
      ...(days < WARN_BEFORE ? [soon] : []),
      ...(issuers.length === 0 && leaf.issuer !== leaf.subject ? [alone] : []),
    ],
  }
}

function checkKey(leaf: X509Certificate, certificate: string, { file, text }: File): void {
  if (text.includes('ENCRYPTED'))
    throw fault(
      `The key in ${file} has a passphrase, which nobody can type when nginx starts`,
      `Remove it: openssl pkey -in ${file} -out key.pem`,
    )
  const key = parsed(() => createPrivateKey(text))
  if (!key)
    throw fault(`${file} contains no private key in PEM form`, 'Correct tls_files.key in config/stack.yaml.')
  if (!leaf.checkPrivateKey(key))
    throw fault(
      `The key in ${file} does not belong to the certificate in ${certificate}`,
      'Correct tls_files.key in config/stack.yaml. The site’s own certificate must come first in its file.',
    )
}

/** nginx sends the chain in the order of the file, and most clients expect each issuer right behind what it issued. */
function checkChain(file: string, chain: X509Certificate[], now: number): void {
  for (const [index, one] of chain.entries()) {
    const issued = chain[index - 1]
    if (issued && !(issued.checkIssued(one) && issued.verify(one.publicKey)))
      throw fault(
        `The chain in ${file} is not in order: certificate ${index + 1} (${nameOf(one)}) did not issue certificate ${index} (${nameOf(issued)})`,
        'Put the site’s own certificate first, then each issuer behind the certificate that it issued, and nothing else.',
      )
    const what = `The certificate of ${nameOf(one)} in ${file}`
    if (now > Date.parse(one.validTo))
      throw fault(`${what} ended on ${day(Date.parse(one.validTo))}`, 'Renew it and run again.')
    if (now < Date.parse(one.validFrom))
      throw fault(
        `${what} is not valid before ${day(Date.parse(one.validFrom))}`,
        'Wait, or correct this machine’s clock.',
      )
  }
}

/** The common name if there is one, else the whole subject. */
const nameOf = ({ subject }: X509Certificate) => /^CN=(.*)$/m.exec(subject)?.[1] ?? subject

/** What the parser returns; undefined if it throws. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

const fault = (what: string, next: string) => new OperatorError(what, next, UNTOUCHED)
