/** Why an order of a certificate failed, in plain words: by the kind that the CA itself gives it (RFC 8555, section 6.7). */

import { lastLines } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'

export interface Problem {
  /** What happened, with the CA's own words. */
  what: string
  /** What to do about it: whole sentences. */
  next: string
}

type Site = Pick<StackConfig, 'domain' | 'letsencrypt' | 'ports'>
type Words = [what: string, next: string]

const kinds = ({ domain, letsencrypt, ports }: Site): Record<string, Words> => ({
  rateLimited: [
    'the CA has had too many requests for this name or from this server',
    'Wait until the time that the CA names; what is tried before then only makes it longer.',
  ],
  dns: [
    `the name ${domain} cannot be resolved`,
    `Make an A record (and AAAA with IPv6) of ${domain} that names this server.`,
  ],
  caa: [`a CAA record of ${domain} forbids this CA to issue`, `Add the CA to the CAA record of ${domain}.`],
  unauthorized: [
    `${domain} answers, but not from here: the CA was given something else than this server’s proof`,
    `Let the A and AAAA records of ${domain} name this server and no other.`,
  ],
  connection: [
    `the CA cannot reach http://${domain}/ on port 80`,
    `Let ${domain} name this server, and let port 80 through to its port ${ports.http} (firewall, router).`,
  ],
  rejectedIdentifier: [
    `the CA does not issue for ${domain}`,
    'Choose a public name that is yours: domain in config/stack.yaml.',
  ],
  SSLError: [
    `the ACME server ${letsencrypt.directory} shows a certificate that this server does not believe`,
    'Name the CA that it is verified by: letsencrypt.ca in config/stack.yaml.',
  ],
  ConnectionError: [
    `the ACME server ${letsencrypt.directory} cannot be reached from the server`,
    'Check the server’s way out (DNS, firewall) and letsencrypt.directory in config/stack.yaml.',
  ],
})

/** An error document of an ACME server, as it sent it. */
const ACME = /"type":\s*"urn:ietf:params:acme:error:(?!badNonce)(\w+)",\s*"detail":\s*("(?:[^"\\]|\\.)*")/g
/** What the library that asks the ACME server has thrown; any but SSLError is a connection that did not come about. */
const THROWN = /requests\.exceptions\.(?:(SSLError)|\w+): (.+)/g

/**
 * @param log    certbot's of this order, with what the ACME server answered; empty when it did not begin
 * @param output what the renewal printed
 */
export function problemOf(log: string, output: string, site: Site): Problem {
  const answer = [...log.matchAll(ACME)].at(-1)
  const thrown = [...log.matchAll(THROWN)].at(-1)
  const kind = answer ? answer[1] : thrown && (thrown[1] ?? 'ConnectionError')
  const said = answer ? JSON.parse(answer[2] as string) : (thrown?.[2] ?? lastLines(output, 3))
  const [what, next] = kinds(site)[kind ?? ''] ?? [
    'certbot got no certificate',
    'Run npx zx scripts/04-stack.mts --verbose to see everything that it prints.',
  ]
  return { what: `${what} (${said.replaceAll('\n', ' ')})`, next }
}
