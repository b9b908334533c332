/** What ACME servers and certbot say, in plain words. */
import type { StackConfig } from './config.mts'
import { lastLines } from './errors.mts'

export interface Problem {
  /** What happened, with the CA's own words. */
  what: string
  /** What to do about it: whole sentences. */
  next: string
}

type Site = Pick<StackConfig, 'domain' | 'letsencrypt' | 'ports'>

/** Each kind of problem (RFC 8555, section 6.7), or how certbot tells of one that has no kind, and its plain words. */
const KINDS: [kind: RegExp, what: (site: Site) => string, next: (site: Site) => string][] = [
  [
    /rateLimited|too many (certificates|failed|new|requests|registrations)|rate limit/i,
    () => 'the CA has had too many requests for this name or from this server',
    () => 'Wait until the time that the CA names; what is tried before then only makes it longer.',
  ],
  [
    /Type:\s+dns|NXDOMAIN|SERVFAIL|DNS problem/i,
    ({ domain }) => `the name ${domain} cannot be resolved`,
    ({ domain }) => `Make an A record (and AAAA with IPv6) of ${domain} that names this server.`,
  ],
  [
    /Type:\s+caa|CAA record/i,
    ({ domain }) => `a CAA record of ${domain} forbids this CA to issue`,
    ({ domain }) => `Add the CA to the CAA record of ${domain}.`,
  ],
  [
    /Type:\s+unauthorized/i,
    ({ domain }) =>
      `${domain} answers, but not from here: the CA was given something else than this server’s proof`,
    ({ domain }) => `Let the A and AAAA records of ${domain} name this server and no other.`,
  ],
  [
    /Type:\s+connection/i,
    ({ domain }) => `the CA cannot reach http://${domain}/ on port 80`,
    ({ domain, ports }) =>
      `Let ${domain} name this server, and let port 80 through to its port ${ports.http} (firewall, router).`,
  ],
  [
    /rejectedIdentifier|Cannot issue for|forbidden by policy|not permitted|Invalid identifiers/i,
    ({ domain }) => `the CA does not issue for ${domain}`,
    () => 'Choose a public name that is yours: domain in config/stack.yaml.',
  ],
  [
    /CERTIFICATE_VERIFY_FAILED|certificate verify failed/i,
    ({ letsencrypt }) =>
      `the ACME server ${letsencrypt.directory} shows a certificate that this server does not believe`,
    () => 'Name the CA that it is verified by: letsencrypt.ca in config/stack.yaml.',
  ],
  [
    /ConnectionError|Connection refused|Requesting \S+: |Max retries|Name or service not known|timed out|ConnectTimeout|ReadTimeout/i,
    ({ letsencrypt }) => `the ACME server ${letsencrypt.directory} cannot be reached from the server`,
    () => 'Check the server’s way out (DNS, firewall) and letsencrypt.directory in config/stack.yaml.',
  ],
]

/** @param output everything that the renewal printed */
export function problemOf(output: string, site: Site): Problem {
  const said = saying(output)
  const [, what, next] = KINDS.find(([kind]) => kind.test(output)) ?? []
  if (!what || !next)
    return {
      what: `certbot says: ${said}`,
      next: 'Run npx zx scripts/04-stack.mts --verbose to see everything that it prints.',
    }
  return { what: `${what(site)} (${said})`, next: next(site) }
}

/** The CA's own words, or the end of what certbot printed. */
function saying(output: string): string {
  const detail = /^\s*Detail:\s+(.+)$/m.exec(output)?.[1]
  const unexpected = /An unexpected error occurred:\n(.+)/.exec(output)?.[1]
  const returned = /Error returned by the ACME server: (.+)/.exec(output)?.[1]
  const rest = output.replaceAll(/^(Saving debug log|Ask for help|See the logfile|More details).*$/gm, '')
  const said = detail ?? unexpected ?? returned ?? lastLines(rest, 3).replaceAll('\n', ' ')
  // Python puts the name of its exception in front.
  return said.trim().replace(/^[\w.]+(Error|Exception|Timeout): /, '')
}
