/** The answers of a registry, in the words of old and new engines: only a clear answer decides. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgeAnswers, undecided } from '../../scripts/lib/images/registry.mts'
import { refusal } from '../lib/refusal.mts'

const ENGINE = 'Error response from daemon: '
const HUB = 'Get "https://registry-1.docker.io/v2/": '
const judge = (...words: string[]) =>
  judgeAnswers(words.map((said, index) => ({ image: `x:${index}`, words: said })))

describe('the official images are used', () => {
  test('when all are available', () => {
    assert.deepEqual(judge('there', 'local'), { usable: true, reason: 'the registry has them' })
  })
  test('when the server has all; the reason does not claim that the registry answered', () => {
    assert.deepEqual(judge('local', 'local'), {
      usable: true,
      reason: 'the server has all of them (the registry was not asked)',
    })
  })
})

for (const words of [
  'manifest for postgres:17 not found: manifest unknown: manifest unknown',
  'failed to resolve reference "docker.io/library/x:1": docker.io/library/x:1: not found',
  'no matching manifest for linux/riscv64 in the manifest list entries',
])
  test(`the official images cannot be used when the registry lacks one: ${words}`, () => {
    assert.deepEqual(judge('there', ENGINE + words, 'local'), {
      usable: false,
      reason: 'the registry has no x:1',
    })
  })

for (const words of [
  'dial tcp: lookup registry-1.docker.io on 192.0.2.53:53: no such host',
  'dial tcp: lookup registry-1.docker.io on 192.0.2.53:53: server misbehaving',
  'dial tcp: lookup registry-1.docker.io: i/o timeout',
  'dial tcp 192.0.2.1:443: connect: connection refused',
  'dial tcp 192.0.2.1:443: connect: no route to host',
  'dial tcp 192.0.2.1:443: connect: network is unreachable',
  'dial tcp [2001:db8::1]:443: i/o timeout',
  'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
])
  test(`nor when no registry is in reach: ${words}`, () => {
    assert.deepEqual(judge('local', ENGINE + HUB + words), {
      usable: false,
      reason: `no registry is in reach (${ENGINE}${HUB}${words})`,
    })
  })

test('nor when nothing accepts the connection, whatever the engine says', () => {
  assert.equal(judge('no connection to the registry: no answer within 10 s').usable, false)
})

for (const words of [
  'toomanyrequests: You have reached your pull rate limit.',
  'Head "https://registry-1.docker.io/v2/library/postgres/manifests/17": no basic auth credentials',
  'unauthorized: authentication required',
  "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  'received unexpected HTTP status: 503 Service Unavailable',
  'failed to resolve reference "x": unexpected status from HEAD request to https://x/v2/: 500 Internal Server Error',
  `${HUB}EOF`,
  `${HUB}read tcp 192.0.2.2:50000->192.0.2.1:443: read: connection reset by peer`,
  `${HUB}net/http: TLS handshake timeout`,
  `${HUB}context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  `${HUB}x509: certificate signed by unknown authority`,
  `${HUB}proxyconnect tcp: dial tcp 192.0.2.3:3128: connect: connection refused`,
  'failed to authorize: failed to fetch anonymous token: Get "https://auth.docker.io/token": dial tcp: lookup auth.docker.io: no such host',
  'error parsing HTTP 404 response body: invalid character',
])
  test(`this decides nothing: ${words}`, () => {
    assert.deepEqual(judge('there', ENGINE + words), { reason: `x:1: ${ENGINE}${words}` })
  })

test('a registry that refuses one connection and does not answer another decides nothing', () => {
  assert.equal(
    judge('dial tcp 192.0.2.1:443: connect: connection refused', 'no answer within 10 s').usable,
    undefined,
  )
})

test('the error for an unclear answer', () => {
  assert.equal(
    refusal(() => {
      throw undecided({ reason: 'redis:8: toomanyrequests: slow down' })
    }),
    `
✗ images: auto cannot decide: the registry was asked twice and gave no clear answer (redis:8: toomanyrequests: slow down)
  State: nothing was decided or changed.
  Next:  docker login as root on the server, or wait; then run again. To decide yourself, set images: registry or images: debian in config/stack.yaml.`,
  )
  assert.match(undecided({ reason: 'x:1: EOF' }).next, /^Run again when the registry answers\. To decide/)
})
