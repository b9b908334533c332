/** What ACME servers and certbot say becomes plain words, with the CA's own behind them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { problemOf } from '../../scripts/lib/edge/problem.mts'

const site = { ...defaults(stackSchema), domain: 'www.example.org' }

/** As an ACME server tells of a challenge that failed: within what it answers about the authorization. */
const challenge = (type: string, detail: string) => `
2026-01-02 03:04:05,678:DEBUG:acme.client:Received response:
HTTP 200
Content-Type: application/json; charset=utf-8

{
   "status": "invalid",
   "challenges": [
      {
         "type": "http-01",
         "error": {
            "type": "urn:ietf:params:acme:error:${type}",
            "detail": ${JSON.stringify(detail)},
            "status": 400
         }
      }
   ]
}
2026-01-02 03:04:05,679:DEBUG:certbot._internal.error_handler:Encountered exception:
`
const refused = (type: string, detail: string) =>
  `HTTP 400\n\n{"type":"urn:ietf:params:acme:error:${type}","detail":${JSON.stringify(detail)},"status":400}\n`

const fetching = '203.0.113.7: Fetching http://www.example.org/.well-known/…: Timeout during connect'
const lost = 'HTTPSConnectionPool(host=’127.0.0.1’, port=1): Max retries exceeded'
for (const [log, what, next] of [
  [
    challenge('connection', fetching),
    `the CA cannot reach http://www.example.org/ on port 80 (${fetching})`,
    /let port 80 through to its port 80/,
  ],
  [
    challenge('unauthorized', 'Invalid response: "404"'),
    'www.example.org answers, but not from here: the CA was given something else than this server’s proof (Invalid response: "404")',
    /Let the A and AAAA records of www\.example\.org name this server/,
  ],
  [
    challenge('dns', 'NXDOMAIN looking up A for www.example.org'),
    'the name www.example.org cannot be resolved (NXDOMAIN looking up A for www.example.org)',
    /Make an A record/,
  ],
  [challenge('caa', 'no'), 'a CAA record of www.example.org forbids this CA to issue (no)', /CAA record/],
  [
    refused('rateLimited', 'retry after 2026-01-02 03:04:05 UTC'),
    'the CA has had too many requests for this name or from this server (retry after 2026-01-02 03:04:05 UTC)',
    /Wait until the time that the CA names/,
  ],
  [
    refused('rejectedIdentifier', 'policy') + refused('badNonce', 'it is tried again by itself'),
    'the CA does not issue for www.example.org (policy)',
    /Choose a public name/,
  ],
  [
    `requests.exceptions.SSLError: ${lost} (Caused by SSLError(…))\n`,
    `the ACME server https://acme-v02.api.letsencrypt.org/directory shows a certificate that this server does not believe (${lost} (Caused by SSLError(…)))`,
    /letsencrypt\.ca/,
  ],
  [
    `requests.exceptions.ConnectionError: ${lost}\n\nDuring handling of the above exception, another one\n`,
    `the ACME server https://acme-v02.api.letsencrypt.org/directory cannot be reached from the server (${lost})`,
    /way out/,
  ],
  [refused('malformed', 'what is this'), 'certbot got no certificate (what is this)', /--verbose/],
  ['', 'certbot got no certificate (something nobody has seen before)', /--verbose/],
] as const)
  test(what, () => {
    const problem = problemOf(log, 'something nobody\nhas seen before\n', site)
    assert.equal(problem.what, what)
    assert.match(problem.next, next)
  })
