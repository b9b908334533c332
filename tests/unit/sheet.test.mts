/** The verdicts on the task sheet: with perfect facts, then with one of them broken; and the reading of root's facts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Container, parseInside } from '../../scripts/lib/verify/facts.mts'
import type { Seen } from '../../scripts/lib/verify/outside.mts'
import { judge } from '../../scripts/lib/verify/sheet.mts'
import type { Facts } from '../../scripts/lib/verify/verdict.mts'
import { warnings } from '../../scripts/lib/verify/warnings.mts'
import { sum } from '../../scripts/verify.mts'

const seen = (status: number, more: Partial<Seen> = {}): Seen => ({
  status,
  body: '',
  location: '',
  tls: 'TLSv1.3',
  error: '',
  ...more,
})

function container(service: string, ports: Container['ports'] = [], number = 1): Container {
  return {
    name: `prusa-${service}-${number}`,
    service,
    image: `${service}:1`,
    running: true,
    restartPolicy: 'unless-stopped',
    ports,
    logLimit: '10m',
    user: service,
  }
}

const published = (port: number, inner: number) =>
  ['0.0.0.0', '::'].map((address) => ({ address, port, inner }))
const hidden = (path: string) => ({ path, status: 404, reached: 0 })

/** The facts of a server that meets every requirement. Each call makes new ones, for a test to break. */
function perfect(): Facts {
  const user = (sudo: boolean) => ({
    exists: true,
    key: true,
    shadow: '*',
    sudo: sudo ? 'yes' : 'a password is required',
    accepts: 'yes',
    login: 'yes',
  })
  return {
    front: {
      http: 80,
      https: 443,
      certificate: { issuer: 'localhost', selfSigned: true, ends: Date.UTC(2029, 1, 25, 12) },
      days: 824,
    },
    inside: {
      users: { prusa_admin: user(true), prusa_non_admin: user(false) },
      packages: ['curl', 'wget', 'vim', 'nano', 'jq'],
      containers: [
        container('db', [{ address: '127.0.0.1', port: 5432, inner: 5432 }]),
        container('redis'),
        container('app'),
        container('app', [], 2),
        container('lb', [...published(80, 8080), ...published(443, 8443)]),
      ],
      replicas: [
        { name: 'prusa-app-1', release: '1a2b3c', redis: '+PONG' },
        { name: 'prusa-app-2', release: '1a2b3c', redis: '+PONG' },
      ],
      logged: [],
      killed: [],
      database: {
        'app owner': 'app',
        'app writes': '1',
        'developer reads palindroms': '3',
        'developer INSERT': 'permission denied for table palindroms',
        'developer CREATE': 'permission denied for schema public',
        'developer TEMPORARY': 'permission denied to create temporary tables in database "prusa"',
      },
      admin: { none: '401', wrong: '401', right: '200' },
    },
    outside: {
      redirect: seen(301, { location: 'https://localhost/some?page=1', tls: '' }),
      hello: seen(200, { body: 'Hello, world!' }),
      status: seen(200, { body: 'OK' }),
      palindrome: seen(200),
      hidden: [
        '/prepare-for-deploy',
        '/ready-for-deploy',
        '/%70repare%2Dfor-deploy',
        '/./x/../ready-for-deploy',
      ].map(hidden),
      throughSsh: '',
      sample: { failed: 0, perReplica: { '172.18.0.3:5000': 50, '172.18.0.4:5000': 50 } },
    },
    rollout: {
      when: '2026-01-02T03:04:05.000Z',
      who: 'root',
      from: 'old',
      to: '1a2b3c',
      result: 'released',
      requests: 400,
      failed: 0,
      seconds: 12,
      schemaChanged: false,
    },
  }
}

/** The facts about a user who does not exist. */
const NO_USER = {
  exists: false,
  key: false,
  shadow: '',
  sudo: 'not tried',
  accepts: 'not tried',
  login: 'not tried',
}

const red = (facts: Facts) =>
  judge(facts)
    .filter(({ ok }) => !ok)
    .map(({ required }) => required)

test('a perfect server meets every line of the sheet, and each has its evidence', () => {
  assert.deepEqual(
    judge(perfect()).map(({ required, ok, evidence }) => `${ok ? '✓' : '✗'} ${required}: ${evidence}`),
    [
      '✓ prusa_admin logs in by the given ssh key: user: exists; key in authorized_keys: yes; sshd accepts this key: yes; login by a temporary key: yes',
      '✓ prusa_admin has no password: shadow field *: no password matches it',
      '✓ prusa_admin has passwordless sudo: sudo -n true as prusa_admin: yes',
      '✓ prusa_non_admin logs in by the given ssh key: user: exists; key in authorized_keys: yes; sshd accepts this key: yes; login by a temporary key: yes',
      '✓ prusa_non_admin has no password: shadow field *: no password matches it',
      '✓ prusa_non_admin has no sudo: sudo -n true as prusa_non_admin: no (a password is required)',
      '✓ Packages curl, wget, vim, nano and jq: installed',
      '✓ The application runs from a Docker image: release 1a2b3c; /status: 200 OK; /palindrom/verify: 200',
      '✓ 2 containers with the application: prusa-app-1 and prusa-app-2',
      '✓ A Redis container, connected to the application’s: 1 running; PING from prusa-app-1: +PONG; PING from prusa-app-2: +PONG',
      '✓ Containers restart by themselves unless stopped: unless-stopped: 5 of 5',
      '✓ A user with full access for the application: owner of the database: app; CREATE and INSERT as app: yes',
      '✓ A read-only user developer: SELECT as developer: every table (1); INSERT as developer: permission denied for table palindroms; CREATE as developer: permission denied for schema public; TEMPORARY as developer: permission denied to create temporary tables in database "prusa"',
      '✓ Traffic is balanced over the replicas: 100 requests: 50 and 50; 0 failed',
      '✓ Everything is available by HTTPS: /: 200, TLSv1.3, certificate verified, self-signed, ends in 824 days, on 2029-02-25',
      '✓ HTTP is redirected to HTTPS: 301 to https://localhost/some?page=1',
      '✓ /admin asks for the user developer and a password: without: 401; wrong: 401; right: 200',
      '✓ /prepare-for-deploy is blocked: 2 spellings: 404; 0 requests reached a replica',
      '✓ /ready-for-deploy is blocked: 2 spellings: 404; 0 requests reached a replica',
      '✓ Only the load balancer is published to the network: lb 80 and lb 443',
      '✓ Releases a new version without visible outage: release old → 1a2b3c on 2026-01-02: 400 requests, 0 failed',
    ],
  )
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
  const LOGIN = 'prusa_admin logs in by the given ssh key'
  const PASSWORD = 'prusa_admin has no password'
  const SUDO = 'prusa_admin has passwordless sudo'
  const NO_LOGIN = 'prusa_non_admin logs in by the given ssh key'
  const NO_PASSWORD = 'prusa_non_admin has no password'
  const NO_SUDO = 'prusa_non_admin has no sudo'
  const PACKAGES = 'Packages curl, wget, vim, nano and jq'
  const IMAGE = 'The application runs from a Docker image'
  const TWO = '2 containers with the application'
  const REDIS = 'A Redis container, connected to the application’s'
  const RESTART = 'Containers restart by themselves unless stopped'
  const OWNER = 'A user with full access for the application'
  const READER = 'A read-only user developer'
  const BALANCED = 'Traffic is balanced over the replicas'
  const HTTPS = 'Everything is available by HTTPS'
  const REDIRECT = 'HTTP is redirected to HTTPS'
  const ADMIN = '/admin asks for the user developer and a password'
  const PREPARE = '/prepare-for-deploy is blocked'
  const READY = '/ready-for-deploy is blocked'
  const REDEPLOY = 'Releases a new version without visible outage'
  const PUBLISHED = 'Only the load balancer is published to the network'

  const admin = (facts: Facts) => facts.inside.users.prusa_admin as Facts['inside']['users'][string]
  const other = (facts: Facts) => facts.inside.users.prusa_non_admin as Facts['inside']['users'][string]
  const of = (facts: Facts, service: string) =>
    facts.inside.containers.find((one) => one.service === service) as Container
  const database = (key: string, value: string | undefined) => (facts: Facts) => {
    if (value === undefined) delete facts.inside.database[key]
    else facts.inside.database[key] = value
  }
  const first = <T,>(list: T[]) => list[0] as T

  const cases: [what: string, mutate: (facts: Facts) => void, lines: string[]][] = [
    ['the last rollout lost a request', (f) => Object.assign(f.rollout ?? {}, { failed: 1 }), [REDEPLOY]],
    ['no rollout yet', (f) => delete f.rollout, []],
    ['no admin', (f) => Object.assign(admin(f), NO_USER), [LOGIN, PASSWORD, SUDO]],
    ['no non-admin', (f) => Object.assign(other(f), NO_USER), [NO_LOGIN, NO_PASSWORD, NO_SUDO]],
    ['no facts about the admin', (f) => delete f.inside.users.prusa_admin, [LOGIN, PASSWORD, SUDO]],
    ['another key', (f) => Object.assign(admin(f), { key: false, accepts: 'Permission denied' }), [LOGIN]],
    ['sshd takes no keys', (f) => Object.assign(other(f), { accepts: 'User not allowed' }), [NO_LOGIN]],
    ['an account has expired', (f) => Object.assign(other(f), { login: 'Access denied' }), [NO_LOGIN]],
    ['a password hash', (f) => Object.assign(admin(f), { shadow: '$6$' }), [PASSWORD]],
    ['a locked password', (f) => Object.assign(other(f), { shadow: '!' }), [NO_PASSWORD]],
    ['an empty password', (f) => Object.assign(other(f), { shadow: '' }), [NO_PASSWORD]],
    ['admin without sudo', (f) => Object.assign(admin(f), { sudo: 'a password is required' }), [SUDO]],
    ['non-admin with sudo', (f) => Object.assign(other(f), { sudo: 'yes' }), [NO_SUDO]],
    ['a package missing', (f) => f.inside.packages.pop(), [PACKAGES]],
    ['no package', (f) => f.inside.packages.splice(0), [PACKAGES]],
    [
      '/status not ready',
      (f) => Object.assign(f.outside.status, { status: 404, body: 'Not ready' }),
      [IMAGE],
    ],
    ['/status with another body', (f) => Object.assign(f.outside.status, { body: 'ok' }), [IMAGE]],
    ['two releases at once', (f) => Object.assign(first(f.inside.replicas), { release: 'old' }), [IMAGE]],
    ['one replica', (f) => f.inside.replicas.pop(), [TWO, BALANCED]],
    ['no replica', (f) => f.inside.replicas.splice(0), [IMAGE, TWO, REDIS, BALANCED]],
    ['three replicas, two get requests', (f) => f.inside.replicas.push(first(f.inside.replicas)), [BALANCED]],
    ['Redis silent', (f) => Object.assign(first(f.inside.replicas), { redis: 'timed out' }), [REDIS]],
    ['Redis stopped', (f) => Object.assign(of(f, 'redis'), { running: false }), [REDIS]],
    ['two Redis', (f) => f.inside.containers.push(of(f, 'redis')), [REDIS]],
    [
      'one container restarts always',
      (f) => Object.assign(of(f, 'db'), { restartPolicy: 'always' }),
      [RESTART],
    ],
    ['one container restarts never', (f) => Object.assign(of(f, 'lb'), { restartPolicy: '' }), [RESTART]],
    ['a container gone', (f) => f.inside.containers.splice(0, 1), [RESTART]],
    ['another owner', database('app owner', 'postgres'), [OWNER]],
    ['the owner cannot log in', database('app owner', undefined), [OWNER]],
    ['the owner cannot write', database('app writes', undefined), [OWNER]],
    ['the reader reads nothing', database('developer reads palindroms', undefined), [READER]],
    ['the reader inserts', database('developer INSERT', 'allowed'), [READER]],
    ['the reader creates', database('developer CREATE', 'allowed'), [READER]],
    ['the reader makes temporary tables', database('developer TEMPORARY', 'allowed'), [READER]],
    ['the reader’s INSERT was not tried', database('developer INSERT', undefined), [READER]],
    ['INSERT failed for another reason', database('developer INSERT', 'deadlock detected'), [READER]],
    [
      'read-only only by a setting',
      database('developer INSERT', 'cannot execute INSERT in a read-only transaction'),
      [READER],
    ],
    ['requests to one replica only', (f) => (f.outside.sample.perReplica = { a: 100 }), [BALANCED]],
    ['requests unevenly', (f) => (f.outside.sample.perReplica = { a: 67, b: 33 }), [BALANCED]],
    ['requests nearly evenly', (f) => (f.outside.sample.perReplica = { a: 66, b: 34 }), []],
    ['a request failed', (f) => (f.outside.sample.failed = 1), [BALANCED]],
    ['no request is in the log', (f) => (f.outside.sample.perReplica = {}), [BALANCED]],
    ['HTTPS unreachable', (f) => (f.outside.hello = seen(0, { tls: '', error: 'ECONNREFUSED' })), [HTTPS]],
    ['no TLS', (f) => Object.assign(f.outside.hello, { tls: '' }), [HTTPS]],
    ['/ answers 502', (f) => Object.assign(f.outside.hello, { status: 502 }), [HTTPS]],
    ['the certificate has ended', (f) => Object.assign(f.front, { days: 0 }), [HTTPS]],
    ['the certificate should have been renewed', (f) => Object.assign(f.front, { days: 13 }), [HTTPS]],
    ['the certificate lasts', (f) => Object.assign(f.front, { days: 14 }), []],
    ['HTTP is not redirected', (f) => (f.outside.redirect = seen(200)), [REDIRECT]],
    ['a temporary redirect', (f) => Object.assign(f.outside.redirect, { status: 302 }), [REDIRECT]],
    [
      'a redirect to HTTP',
      (f) => Object.assign(f.outside.redirect, { location: 'http://localhost/' }),
      [REDIRECT],
    ],
    ['a redirect by 308', (f) => Object.assign(f.outside.redirect, { status: 308 }), []],
    ['/admin is open', (f) => (f.inside.admin.none = '200'), [ADMIN]],
    ['/admin takes any password', (f) => (f.inside.admin.wrong = '200'), [ADMIN]],
    ['/admin takes no password', (f) => (f.inside.admin.right = '401'), [ADMIN]],
    ['/admin was not tried', (f) => (f.inside.admin = {}), [ADMIN]],
    [
      '/prepare… answers',
      (f) => Object.assign(first(f.outside.hidden), { status: 200, reached: 1 }),
      [PREPARE],
    ],
    [
      'an encoded /prepare… reaches a replica',
      (f) => Object.assign(f.outside.hidden[2] ?? {}, { reached: 1 }),
      [PREPARE],
    ],
    [
      '/ready… is forbidden, not absent',
      (f) => Object.assign(f.outside.hidden[3] ?? {}, { status: 403 }),
      [READY],
    ],
    [
      'every spelling is forbidden, not absent',
      (f) => (f.outside.hidden = f.outside.hidden.map((one) => ({ ...one, status: 403 }))),
      [PREPARE, READY],
    ],
    ['the hidden endpoints were not tried', (f) => f.outside.hidden.splice(0), [PREPARE, READY]],
    ['the database on the network', (f) => (of(f, 'db').ports = published(5432, 5432)), [PUBLISHED]],
    ['a replica on the network', (f) => (of(f, 'app').ports = published(5000, 5000)), [PUBLISHED]],
    ['a replica on the loopback', (f) => (of(f, 'app').ports = [{ address: '::1', port: 1, inner: 1 }]), []],
    ['nothing on the network', (f) => (of(f, 'lb').ports = []), [PUBLISHED]],
  ]
  for (const [what, mutate, lines] of cases)
    test(what, () => {
      const facts = perfect()
      mutate(facts)
      assert.deepEqual(red(facts), lines)
    })

  test('every line of the sheet is red in one of these cases', () => {
    const covered = new Set(cases.flatMap(([, , lines]) => lines))
    assert.deepEqual(
      judge(perfect())
        .map(({ required }) => required)
        .filter((required) => !covered.has(required)),
      [],
    )
  })

  test('the read-only user may not read one of several tables', () => {
    const facts = perfect()
    facts.inside.database = parseInside(
      [
        'database\tapp\towner\tapp',
        'database\tapp\twrites\t1',
        'database\tdeveloper\treads palindroms\t3',
        'database\tdeveloper\terror\tpermission denied for table notes',
        'database\tdeveloper\tstep\tINSERT',
        'database\tdeveloper\terror\tpermission denied for table notes',
        'database\tdeveloper\tstep\tCREATE',
        'database\tdeveloper\terror\tpermission denied for schema public',
        'database\tdeveloper\tstep\tTEMPORARY',
        'database\tdeveloper\terror\tpermission denied to create temporary tables in database "prusa"',
      ].join('\n'),
    ).database
    assert.deepEqual(red(facts), [READER])
  })
})

describe('parseInside', () => {
  const inspected = (service: string, more: object = {}) =>
    JSON.stringify({
      Id: 'ee1fbb',
      Name: `/prusa-${service}-1`,
      State: { Status: 'running', Running: true, Error: 'a\ttab' },
      Config: {
        Image: `${service}:1`,
        User: service,
        Labels: { 'com.docker.compose.project': 'prusa', 'com.docker.compose.service': service },
      },
      HostConfig: {
        RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
        LogConfig: { Type: 'json-file', Config: { 'max-file': '3', 'max-size': '10m' } },
      },
      NetworkSettings: { Ports: {} },
      ...more,
    })
  const output = `user	prusa_admin	exists	yes
user	prusa_admin	shadow	*
user	prusa_admin	key	yes
user	prusa_admin	sudo	yes
user	prusa_admin	accepts	yes
user	prusa_admin	login	Access denied
user	prusa_non_admin	exists	yes
user	prusa_non_admin	shadow	$6$
package	curl
package	jq
container	${inspected('lb', {
    NetworkSettings: {
      Ports: {
        '80/tcp': null,
        '8443/tcp': [
          { HostIp: '0.0.0.0', HostPort: '443' },
          { HostIp: '::', HostPort: '443' },
        ],
      },
    },
  })}
container	${inspected('db', { State: { Running: false }, HostConfig: { RestartPolicy: { Name: 'no' }, LogConfig: {} } })}
replica	prusa-app-2	1a2b3c	+PONG
replica	prusa-app-1	1a2b3c	ConnectionRefusedError: [Errno 111] Connection refused
database	app	owner	app
database	developer	reads palindroms	3
database	app	writes	1
database	developer	reads notes	0
database	developer	step	INSERT
database	developer	error	permission denied for table notes
database	developer	step	CREATE
database	developer	step	TEMPORARY
database	developer	error	permission denied to create temporary tables in database "prusa"
admin	none	401
admin	wrong	401
admin	right	200
`
  const inside = parseInside(output)

  test('reads the users', () => {
    assert.deepEqual(inside.users, {
      prusa_admin: {
        exists: true,
        key: true,
        shadow: '*',
        sudo: 'yes',
        accepts: 'yes',
        login: 'Access denied',
      },
      prusa_non_admin: {
        exists: true,
        key: false,
        shadow: '$6$',
        sudo: 'not tried',
        accepts: 'not tried',
        login: 'not tried',
      },
    })
  })

  test('reads packages, replicas and /admin', () => {
    assert.deepEqual(inside.packages, ['curl', 'jq'])
    assert.deepEqual(inside.replicas, [
      { name: 'prusa-app-2', release: '1a2b3c', redis: '+PONG' },
      {
        name: 'prusa-app-1',
        release: '1a2b3c',
        redis: 'ConnectionRefusedError: [Errno 111] Connection refused',
      },
    ])
    assert.deepEqual(inside.admin, { none: '401', wrong: '401', right: '200' })
  })

  test('reads the containers', () => {
    assert.deepEqual(inside.containers, [
      {
        name: 'prusa-lb-1',
        service: 'lb',
        image: 'lb:1',
        running: true,
        restartPolicy: 'unless-stopped',
        ports: [
          { address: '0.0.0.0', port: 443, inner: 8443 },
          { address: '::', port: 443, inner: 8443 },
        ],
        logLimit: '10m',
        user: 'lb',
      },
      {
        name: 'prusa-db-1',
        service: 'db',
        image: 'db:1',
        running: false,
        restartPolicy: 'no',
        ports: [],
        logLimit: '',
        user: 'db',
      },
    ])
  })

  test('gives an error of the database to the step before it; a step without an error is allowed', () => {
    assert.deepEqual(inside.database, {
      'app owner': 'app',
      'app writes': '1',
      'developer reads palindroms': '3',
      'developer reads notes': '0',
      'developer INSERT': 'permission denied for table notes',
      'developer CREATE': 'allowed',
      'developer TEMPORARY': 'permission denied to create temporary tables in database "prusa"',
    })
  })

  test('gives an error before the first step to the login', () => {
    const { database } = parseInside('database\tapp\terror\tpassword authentication failed for user "app"')
    assert.deepEqual(database, { 'app login': 'password authentication failed for user "app"' })
  })

  test('finds the replicas whose log holds the owner’s password; the warning says what to type', () => {
    const { logged, killed } = parseInside('logged\tprusa-app-2\nlogged\tprusa-app-1\n')
    const [warning = '', ...others] = warnings({ logged, killed })
    assert.match(
      warning,
      /prusa-app-1 and prusa-app-2 .* DATABASE_URI.*npm run redeploy.* rotate db_owner_password/,
    )
    assert.deepEqual(others, [])
    assert.deepEqual(warnings({ logged: [], killed: [] }), [])
  })

  test('finds a container whose processes were killed for memory; the warning says how many', () => {
    const { killed, logged } = parseInside('killed\tprusa-lb-1\t3\n')
    assert.match(warnings({ logged, killed }).join('\n'), /prusa-lb-1 .* 3 since/)
  })

  test('reads an empty output', () => {
    assert.deepEqual(parseInside(''), {
      users: { prusa_admin: NO_USER, prusa_non_admin: NO_USER },
      packages: [],
      containers: [],
      replicas: [],
      logged: [],
      killed: [],
      database: {},
      admin: {},
    })
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
