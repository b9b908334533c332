/** What ACME servers and certbot say becomes plain words, with the CA's own behind them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config.mts'
import { problemOf } from '../../scripts/lib/problem.mts'
import { defaults } from '../../scripts/lib/schema.mts'

const site = { ...defaults(stackSchema), domain: 'www.example.org' }

const challenge = (type: string, detail: string) => `
Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: www.example.org
  Type:   ${type}
  Detail: ${detail}

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.
Some challenges have failed.
`
const unexpected = (text: string) =>
  `Requesting a certificate for www.example.org\nAn unexpected error occurred:\n${text}\n`

for (const [output, what, next] of [
  [
    challenge(
      'connection',
      '203.0.113.7: Fetching http://www.example.org/.well-known/…: Timeout during connect',
    ),
    'the CA cannot reach http://www.example.org/ on port 80 (203.0.113.7: Fetching http://www.example.org/.well-known/…: Timeout during connect)',
    /let port 80 through to its port 80/,
  ],
  [
    challenge('unauthorized', '203.0.113.9: Invalid response from http://www.example.org/.well-known/…: 404'),
    'www.example.org answers, but not from here: the CA was given something else than this server’s proof (203.0.113.9: Invalid response from http://www.example.org/.well-known/…: 404)',
    /Let the A and AAAA records of www\.example\.org name this server/,
  ],
  [
    challenge('dns', 'DNS problem: NXDOMAIN looking up A for www.example.org'),
    'the name www.example.org cannot be resolved (DNS problem: NXDOMAIN looking up A for www.example.org)',
    /Make an A record/,
  ],
  [
    challenge('caa', 'CAA record for www.example.org prevents issuance'),
    'a CAA record of www.example.org forbids this CA to issue (CAA record for www.example.org prevents issuance)',
    /CAA record/,
  ],
  [
    unexpected(
      'too many failed authorizations (5) for "www.example.org" in the last 1h0m0s, retry after 2026-01-02 03:04:05 UTC',
    ),
    'the CA has had too many requests for this name or from this server (too many failed authorizations (5) for "www.example.org" in the last 1h0m0s, retry after 2026-01-02 03:04:05 UTC)',
    /Wait until the time that the CA names/,
  ],
  [
    unexpected(
      'Invalid identifiers requested :: Cannot issue for "www.example.org": Domain name does not end with a valid public suffix (TLD)',
    ),
    'the CA does not issue for www.example.org (Invalid identifiers requested :: Cannot issue for "www.example.org": Domain name does not end with a valid public suffix (TLD))',
    /Choose a public name/,
  ],
  [
    unexpected(
      'requests.exceptions.SSLError: HTTPSConnectionPool(…): Max retries exceeded (Caused by SSLError(… CERTIFICATE_VERIFY_FAILED …))',
    ),
    'the ACME server https://acme-v02.api.letsencrypt.org/directory shows a certificate that this server does not believe (HTTPSConnectionPool(…): Max retries exceeded (Caused by SSLError(… CERTIFICATE_VERIFY_FAILED …)))',
    /letsencrypt\.ca/,
  ],
  [
    unexpected('ValueError: Requesting acme-v02.api.letsencrypt.org/directory: Connection refused'),
    'the ACME server https://acme-v02.api.letsencrypt.org/directory cannot be reached from the server (Requesting acme-v02.api.letsencrypt.org/directory: Connection refused)',
    /way out/,
  ],
  [
    'Saving debug log to x\nUnable to register an account with ACME server. Error returned by the ACME server: JWS has an invalid anti-replay nonce: Q7\nAsk for help or search for solutions at x.',
    'certbot says: JWS has an invalid anti-replay nonce: Q7',
    /--verbose/,
  ],
  [
    'Saving debug log\nsomething nobody has seen before\n',
    'certbot says: something nobody has seen before',
    /--verbose/,
  ],
] as const)
  test(what, () => {
    const problem = problemOf(output, site)
    assert.equal(problem.what, what)
    assert.match(problem.next, next)
  })
