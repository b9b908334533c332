/** The verdicts on the task sheet: with perfect facts, then with one of them broken. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Container } from '../../scripts/lib/verify/facts.mts'
import { judge } from '../../scripts/lib/verify/sheet.mts'
import type { Facts } from '../../scripts/lib/verify/verdict.mts'
import { sum } from '../../scripts/verify.mts'
import { perfect, published, seen } from '../lib/perfect.mts'

/** Every line: our name for it, the requirement, and the evidence on a perfect server. */
const SHEET = `
LOGIN        prusa_admin logs in by the given ssh key: user: exists; key in authorized_keys: yes; sshd accepts this key: yes; login by a temporary key: yes
PASSWORD     prusa_admin has no password: shadow field *: no password matches it
SUDO         prusa_admin has passwordless sudo: sudo -n true as prusa_admin: yes
NO_LOGIN     prusa_non_admin logs in by the given ssh key: user: exists; key in authorized_keys: yes; sshd accepts this key: yes; login by a temporary key: yes
NO_PASSWORD  prusa_non_admin has no password: shadow field *: no password matches it
NO_SUDO      prusa_non_admin has no sudo: sudo -n true as prusa_non_admin: no (a password is required)
PACKAGES     Packages curl, wget, vim, nano and jq: installed
IMAGE        The application runs from a Docker image: release 1a2b3c; /status: 200 OK; /palindrom/verify: 200
TWO          2 containers with the application: prusa-app-1 and prusa-app-2
REDIS        A Redis container, connected to the application’s: 1 running; PING from prusa-app-1: +PONG; PING from prusa-app-2: +PONG
RESTART      Containers restart by themselves unless stopped: unless-stopped: 5 of 5
OWNER        A user with full access for the application: owner of the database: app; CREATE and INSERT as app: yes
READER       A read-only user developer: SELECT as developer: every table (1); INSERT as developer: permission denied for table palindroms; CREATE as developer: permission denied for schema public; TEMPORARY as developer: permission denied to create temporary tables in database "prusa"
BALANCED     Traffic is balanced over the replicas: 100 requests: 50 and 50; 0 failed
HTTPS        Everything is available by HTTPS: /: 200, TLSv1.3, certificate verified, self-signed, ends in 824 days, on 2029-02-25
REDIRECT     HTTP is redirected to HTTPS: 301 to https://localhost/some?page=1
ADMIN        /admin asks for the user developer and a password: without: 401; wrong: 401; right: 200
PREPARE      /prepare-for-deploy is blocked: 2 spellings: 404; 0 requests reached a replica
READY        /ready-for-deploy is blocked: 2 spellings: 404; 0 requests reached a replica
PUBLISHED    Only the load balancer is published to the network: lb 80 and lb 443
REDEPLOY     Releases a new version without visible outage: release old → 1a2b3c on 2026-01-02: 400 requests, 0 failed
`
  .trim()
  .split('\n')
  .map(
    (line) =>
      /^(\w+) +(.*?): (.*)$/.exec(line)?.slice(1) as [name: string, required: string, evidence: string],
  )

/** The names of the lines that are red, with blanks between. */
const red = (facts: Facts) =>
  judge(facts)
    .flatMap(({ ok }, index) => (ok ? [] : SHEET[index]?.[0]))
    .join(' ')

test('a perfect server meets every line of the sheet, and each has its evidence', () => {
  assert.deepEqual(
    judge(perfect()).map(({ required, evidence }) => [required, evidence]),
    SHEET.map(([, ...line]) => line),
  )
  assert.equal(red(perfect()), '')
})

test('the HTTPS line names the issuer of the certificate', () => {
  const facts = perfect()
  facts.front.certificate = { issuer: 'Let’s Encrypt R11', selfSigned: false, ends: Date.UTC(2029, 1, 25) }
  assert.match(
    judge(facts).find(({ required }) => required.includes('HTTPS'))?.evidence ?? '',
    /issued by Let’s Encrypt R11, ends in 824 days, on 2029-02-25$/,
  )
})

describe('with one fact broken, these lines and no others are red:', () => {
  const admin = (facts: Facts) => facts.inside.users.prusa_admin as Facts['inside']['users'][string]
  const other = (facts: Facts) => facts.inside.users.prusa_non_admin as Facts['inside']['users'][string]
  const of = (facts: Facts, service: string) =>
    facts.inside.containers.find((one) => one.service === service) as Container
  const database = (key: string, value: string | undefined) => (facts: Facts) => {
    if (value === undefined) delete facts.inside.database[key]
    else facts.inside.database[key] = value
  }
  const hidden = (index: number, change: object) => (facts: Facts) =>
    Object.assign(facts.outside.hidden[index] ?? {}, change)
  const first = <T,>(list: T[]) => list[0] as T

  const cases: [what: string, mutate: (facts: Facts) => void, lines: string][] = [
    ['the last rollout lost a request', (f) => Object.assign(f.rollout ?? {}, { failed: 1 }), 'REDEPLOY'],
    ['no rollout yet', (f) => delete f.rollout, ''],
    ['no admin', (f) => (f.inside.users.prusa_admin = {}), 'LOGIN PASSWORD SUDO'],
    ['no non-admin', (f) => (f.inside.users.prusa_non_admin = {}), 'NO_LOGIN NO_PASSWORD NO_SUDO'],
    ['no facts about the admin', (f) => delete f.inside.users.prusa_admin, 'LOGIN PASSWORD SUDO'],
    [
      'another key',
      (f) => Object.assign(admin(f), { key: undefined, accepts: 'Permission denied' }),
      'LOGIN',
    ],
    ['sshd takes no keys', (f) => Object.assign(other(f), { accepts: 'User not allowed' }), 'NO_LOGIN'],
    ['an account has expired', (f) => Object.assign(other(f), { login: 'Access denied' }), 'NO_LOGIN'],
    ['a password hash', (f) => Object.assign(admin(f), { shadow: '$6$' }), 'PASSWORD'],
    ['a locked password', (f) => Object.assign(other(f), { shadow: '!' }), 'NO_PASSWORD'],
    ['an empty password', (f) => Object.assign(other(f), { shadow: '' }), 'NO_PASSWORD'],
    ['admin without sudo', (f) => Object.assign(admin(f), { sudo: 'a password is required' }), 'SUDO'],
    ['non-admin with sudo', (f) => Object.assign(other(f), { sudo: 'yes' }), 'NO_SUDO'],
    ['a package missing', (f) => f.inside.packages.pop(), 'PACKAGES'],
    ['no package', (f) => f.inside.packages.splice(0), 'PACKAGES'],
    [
      '/status not ready',
      (f) => Object.assign(f.outside.status, { status: 404, body: 'Not ready' }),
      'IMAGE',
    ],
    ['/status with another body', (f) => Object.assign(f.outside.status, { body: 'ok' }), 'IMAGE'],
    ['two releases at once', (f) => Object.assign(first(f.inside.replicas), { release: 'old' }), 'IMAGE'],
    ['one replica', (f) => f.inside.replicas.pop(), 'TWO BALANCED'],
    ['no replica', (f) => f.inside.replicas.splice(0), 'IMAGE TWO REDIS BALANCED'],
    ['three replicas, two get requests', (f) => f.inside.replicas.push(first(f.inside.replicas)), 'BALANCED'],
    ['Redis silent', (f) => Object.assign(first(f.inside.replicas), { redis: 'timed out' }), 'REDIS'],
    ['Redis stopped', (f) => Object.assign(of(f, 'redis'), { running: false }), 'REDIS'],
    ['two Redis', (f) => f.inside.containers.push(of(f, 'redis')), 'REDIS'],
    [
      'one container restarts always',
      (f) => Object.assign(of(f, 'db'), { restartPolicy: 'always' }),
      'RESTART',
    ],
    ['one container restarts never', (f) => Object.assign(of(f, 'lb'), { restartPolicy: '' }), 'RESTART'],
    ['a container gone', (f) => f.inside.containers.splice(0, 1), 'RESTART'],
    ['another owner', database('app owner', 'postgres'), 'OWNER'],
    ['the owner cannot log in', database('app owner', undefined), 'OWNER'],
    ['the owner cannot write', database('app writes', undefined), 'OWNER'],
    ['the reader reads nothing', database('developer reads palindroms', undefined), 'READER'],
    ['the reader inserts', database('developer INSERT', 'allowed'), 'READER'],
    ['the reader creates', database('developer CREATE', 'allowed'), 'READER'],
    ['the reader makes temporary tables', database('developer TEMPORARY', 'allowed'), 'READER'],
    ['the reader’s INSERT was not tried', database('developer INSERT', undefined), 'READER'],
    ['INSERT failed for another reason', database('developer INSERT', 'deadlock detected'), 'READER'],
    [
      'read-only only by a setting',
      database('developer INSERT', 'cannot execute INSERT in a read-only transaction'),
      'READER',
    ],
    ['requests to one replica only', (f) => (f.outside.sample.perReplica = { a: 100 }), 'BALANCED'],
    ['requests unevenly', (f) => (f.outside.sample.perReplica = { a: 67, b: 33 }), 'BALANCED'],
    ['requests nearly evenly', (f) => (f.outside.sample.perReplica = { a: 66, b: 34 }), ''],
    ['a request failed', (f) => (f.outside.sample.failed = 1), 'BALANCED'],
    ['no request is in the log', (f) => (f.outside.sample.perReplica = {}), 'BALANCED'],
    ['HTTPS unreachable', (f) => (f.outside.hello = seen(0, { tls: '', error: 'ECONNREFUSED' })), 'HTTPS'],
    ['no TLS', (f) => Object.assign(f.outside.hello, { tls: '' }), 'HTTPS'],
    ['/ answers 502', (f) => Object.assign(f.outside.hello, { status: 502 }), 'HTTPS'],
    ['the certificate has ended', (f) => Object.assign(f.front, { days: 0 }), 'HTTPS'],
    ['the certificate should have been renewed', (f) => Object.assign(f.front, { days: 13 }), 'HTTPS'],
    ['the certificate lasts', (f) => Object.assign(f.front, { days: 14 }), ''],
    ['HTTP is not redirected', (f) => (f.outside.redirect = seen(200)), 'REDIRECT'],
    ['a temporary redirect', (f) => Object.assign(f.outside.redirect, { status: 302 }), 'REDIRECT'],
    [
      'a redirect to HTTP',
      (f) => Object.assign(f.outside.redirect, { location: 'http://localhost/' }),
      'REDIRECT',
    ],
    ['a redirect by 308', (f) => Object.assign(f.outside.redirect, { status: 308 }), ''],
    ['/admin is open', (f) => (f.inside.admin.none = '200'), 'ADMIN'],
    ['/admin takes any password', (f) => (f.inside.admin.wrong = '200'), 'ADMIN'],
    ['/admin takes no password', (f) => (f.inside.admin.right = '401'), 'ADMIN'],
    ['/admin was not tried', (f) => (f.inside.admin = {}), 'ADMIN'],
    ['/prepare… answers', hidden(0, { status: 200, reached: 1 }), 'PREPARE'],
    ['an encoded /prepare… reaches a replica', hidden(2, { reached: 1 }), 'PREPARE'],
    ['/ready… is forbidden, not absent', hidden(3, { status: 403 }), 'READY'],
    [
      'every spelling is forbidden, not absent',
      (f) => (f.outside.hidden = f.outside.hidden.map((one) => ({ ...one, status: 403 }))),
      'PREPARE READY',
    ],
    ['the hidden endpoints were not tried', (f) => f.outside.hidden.splice(0), 'PREPARE READY'],
    ['the database on the network', (f) => (of(f, 'db').ports = published(5432)), 'PUBLISHED'],
    ['a replica on the network', (f) => (of(f, 'app').ports = published(5000)), 'PUBLISHED'],
    ['a replica on the loopback', (f) => (of(f, 'app').ports = [{ address: '::1', port: 1 }]), ''],
    ['nothing on the network', (f) => (of(f, 'lb').ports = []), 'PUBLISHED'],
  ]
  for (const [what, mutate, lines] of cases)
    test(what, () => {
      const facts = perfect()
      mutate(facts)
      assert.equal(red(facts), lines)
    })

  test('every line of the sheet is red in one of these cases', () => {
    const covered = cases.flatMap(([, , lines]) => lines.split(' '))
    for (const [name] of SHEET) assert.ok(covered.includes(name), name)
  })
})

test('a line that no rollout has shown yet is counted apart', () => {
  const facts = perfect()
  assert.match(sum(judge(facts)), /^\d+ lines as required$/)
  delete facts.rollout
  const open = judge(facts).filter(({ shown }) => !shown)
  assert.deepEqual(
    open.map(({ required }) => required),
    ['Releases a new version without visible outage'],
  )
  const known = judge(facts).length - 1
  assert.equal(sum(judge(facts)), `${known} lines as required, 1 not shown yet: npm run redeploy -- --force`)
  facts.inside.replicas.pop()
  assert.equal(
    sum(judge(facts)),
    `${known - 2} lines as required, 2 failed, 1 not shown yet: npm run redeploy -- --force`,
  )
})
