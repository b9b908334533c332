/** A failed ACME order is explained in plain words, with the CA's own words in brackets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { explainFailure } from '../../scripts/lib/edge/acme-failure.mts'

const site = { ...defaults(stackSchema), domain: 'www.example.org' }

/** An ACME server reports a failed challenge as part of the authorization. */
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
    /forward port 80 to its port 80/,
  ],
  [
    challenge('unauthorized', 'Invalid response: "404"'),
    'www.example.org leads to another server: the CA did not get this server’s answer to its challenge (Invalid response: "404")',
    /Let the A and AAAA records of www\.example\.org name this server/,
  ],
  [
    challenge('dns', 'NXDOMAIN looking up A for www.example.org'),
    'the name www.example.org cannot be resolved (NXDOMAIN looking up A for www.example.org)',
    /Create an A record/,
  ],
  [challenge('caa', 'no'), 'a CAA record of www.example.org forbids this CA to issue (no)', /CAA record/],
  [
    refused('rateLimited', 'retry after 2026-01-02 03:04:05 UTC'),
    'the CA got too many requests for this name or from this server (retry after 2026-01-02 03:04:05 UTC)',
    /Wait until the time that the CA names/,
  ],
  [
    refused('rejectedIdentifier', 'policy') + refused('badNonce', 'it is tried again by itself'),
    'the CA does not issue for www.example.org (policy)',
    /public name that you own/,
  ],
  [
    `requests.exceptions.SSLError: ${lost} (Caused by SSLError(…))\n`,
    `this server does not trust the certificate of the ACME server https://acme-v02.api.letsencrypt.org/directory (${lost} (Caused by SSLError(…)))`,
    /letsencrypt\.ca/,
  ],
  [
    `requests.exceptions.ConnectionError: ${lost}\n\nDuring handling of the above exception, another one\n`,
    `this server cannot reach the ACME server https://acme-v02.api.letsencrypt.org/directory (${lost})`,
    /outgoing connections/,
  ],
  [refused('malformed', 'what is this'), 'certbot got no certificate (what is this)', /--verbose/],
  ['', 'certbot got no certificate (something nobody has seen before)', /--verbose/],
] as const)
  test(what, () => {
    const problem = explainFailure(log, 'something nobody\nhas seen before\n', site)
    assert.equal(problem.what, what)
    assert.match(problem.next, next)
  })
