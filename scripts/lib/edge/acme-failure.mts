/** Why an ACME order failed: the CA's own error type (RFC 8555, section 6.7), in plain words and with a remedy. */
import { lastLines } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'

export interface AcmeFailure {
  /** What happened, with the CA's words in brackets. */
  what: string
  /** The remedy: whole sentences. */
  next: string
}

type Site = Pick<StackConfig, 'domain' | 'letsencrypt' | 'ports'>

/** By error type of the ACME server, or by exception of the library that connects to it. */
const kinds = ({ domain, letsencrypt, ports }: Site): Record<string, [what: string, next: string]> => ({
  rateLimited: [
    'the CA got too many requests for this name or from this server',
    'Wait until the time that the CA names; every attempt before then extends it.',
  ],
  dns: [
    `the name ${domain} cannot be resolved`,
    `Create an A record (and AAAA with IPv6) for ${domain} with the address of this server.`,
  ],
  caa: [`a CAA record of ${domain} forbids this CA to issue`, `Add the CA to the CAA record of ${domain}.`],
  unauthorized: [
    `${domain} leads to another server: the CA did not get this server’s answer to its challenge`,
    `Let the A and AAAA records of ${domain} name this server and no other.`,
  ],
  connection: [
    `the CA cannot reach http://${domain}/ on port 80`,
    `Let ${domain} name this server, and forward port 80 to its port ${ports.http} (firewall, router).`,
  ],
  rejectedIdentifier: [
    `the CA does not issue for ${domain}`,
    'Set domain in config/stack.yaml to a public name that you own.',
  ],
  SSLError: [
    `this server does not trust the certificate of the ACME server ${letsencrypt.directory}`,
    'Set letsencrypt.ca in config/stack.yaml to the CA that issued it.',
  ],
  ConnectionError: [
    `this server cannot reach the ACME server ${letsencrypt.directory}`,
    'Check the server’s outgoing connections (DNS, firewall) and letsencrypt.directory in config/stack.yaml.',
  ],
})

/** An error document of an ACME server. certbot repeats a request after badNonce by itself. */
const ACME = /"type":\s*"urn:ietf:params:acme:error:(?!badNonce)(\w+)",\s*"detail":\s*("(?:[^"\\]|\\.)*")/g
/** An exception of certbot's HTTP library; any but SSLError means that there was no connection. */
const THROWN = /requests\.exceptions\.(?:(SSLError)|\w+): (.+)/g

/**
 * @param log    certbot's debug log of this order; empty when certbot was not started
 * @param output what the renewal script printed
 */
export function explainFailure(log: string, output: string, site: Site): AcmeFailure {
  const answer = [...log.matchAll(ACME)].at(-1)
  const thrown = [...log.matchAll(THROWN)].at(-1)
  const kind = answer ? answer[1] : thrown && (thrown[1] ?? 'ConnectionError')
  const said = answer ? JSON.parse(answer[2] as string) : (thrown?.[2] ?? lastLines(output, 3))
  const [what, next] = kinds(site)[kind ?? ''] ?? [
    'certbot got no certificate',
    'npx zx scripts/04-stack.mts --verbose shows all of its output.',
  ]
  return { what: `${what} (${said.replaceAll('\n', ' ')})`, next }
}
