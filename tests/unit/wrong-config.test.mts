/** What the configuration refuses, and with which message. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { serverSchema, stackSchema } from '../../scripts/lib/config/config.mts'
import { parseConfig } from '../../scripts/lib/config/schema.mts'
import { refusal } from '../lib/refusal.mts'

const stack = (yaml: string) => parseConfig(stackSchema, yaml, 'stack.yaml', {})
const server = (yaml: string) => parseConfig(serverSchema, yaml, 'server.yaml', {})

/** A test for each YAML text that is refused with a message. */
function refuse(
  read: (yaml: string) => unknown,
  file: string,
  cases: [yaml: string, message: string][],
): void {
  for (const [yaml, message] of cases)
    test(JSON.stringify(yaml), () => {
      assert.equal(
        refusal(() => read(yaml)),
        `
✗ ${file}, ${message}
  State: nothing was contacted or changed.
  Next:  Correct the file and run again.`,
      )
    })
}

describe('stack.yaml refuses', () => {
  const SIZE = 'a size such as 256m or 1g'
  const cases: [yaml: string, message: string][] = [
    ['hots: local', 'line 1: unknown key “hots”; the nearest known one is “hosts”'],
    ['\n# here\nrolout: {}', 'line 3: unknown key “rolout”; the nearest known one is “rollout”'],
    ['app:\n  replica: 3', 'line 2: unknown key “replica” under app; the nearest known one is “replicas”'],
    ['app:\n  replicas: many', 'line 2: app.replicas must be a whole number from 1 to 16, not “many”'],
    ['app:\n  replicas: 0', 'line 2: app.replicas must be a whole number from 1 to 16, not “0”'],
    ['app:\n  replicas: 17', 'line 2: app.replicas must be a whole number from 1 to 16, not “17”'],
    ['app:\n  replicas: 1.5', 'line 2: app.replicas must be a whole number from 1 to 16, not “1.5”'],
    ['app:\n  replicas:', 'line 2: app.replicas must be a whole number from 1 to 16, not “null”'],
    ['app:\n  memory: 256', `line 2: app.memory must be ${SIZE}, not “256”`],
    ['app:\n  environment: [A]', 'line 2: app.environment must hold NAME: value pairs, not a list'],
    ['app:\n  environment:\n    1A: x', 'line 3: app.environment.1A is not a name that fits here'],
    ['app:\n  environment:\n    A: [x]', 'line 3: app.environment.A must be a single value'],
    ['ports: 80', 'line 1: ports must hold keys, not “80”'],
    ['ports:\n  db: 65536', 'line 2: ports.db must be a whole number from 1 to 65535, not “65536”'],
    ['images: Auto', 'line 1: images must be one of auto, registry, debian, not “Auto”'],
    ['host: -oProxyCommand=x', 'line 1: host must be `local` or what ssh takes, not “-oProxyCommand=x”'],
    ['project: Prusa', 'line 1: project must be lower-case letters, digits and dashes, not “Prusa”'],
    ['folder: opt/prusa', 'line 1: folder must be an absolute path, not “opt/prusa”'],
    ['folder: /opt/my prusa', 'line 1: folder must be an absolute path, not “/opt/my prusa”'],
    ['domain: exa mple.org', 'line 1: domain must be a DNS name, not “exa mple.org”'],
    ['domain: "a.org; return 200"', 'line 1: domain must be a DNS name, not “a.org; return 200”'],
    ['tls: none', 'line 1: tls must be one of self-signed, letsencrypt, files, not “none”'],
    ['letsencrypt:\n  email: me', 'line 2: letsencrypt.email must be an e-mail address, not “me”'],
    [
      'letsencrypt:\n  directory: http://ca.example/dir',
      'line 2: letsencrypt.directory must be an https URL, not “http://ca.example/dir”',
    ],
    ['debian:\n  mirror: ftp://x', 'line 2: debian.mirror must be a URL, not “ftp://x”'],
    ['rollout:\n  surge: 0', 'line 2: rollout.surge must be a whole number from 1 to 16, or all, not “0”'],
    ['- host: local', 'line 1: the file must hold keys, not a list'],
    ['local', 'line 1: the file must hold keys, not “local”'],
    ['project: a\nproject: b', 'line 2: Map keys must be unique'],
    [
      'ports: {http: 80\nhost: x',
      'line 2: Flow map in block collection must be sufficiently indented and end with a }',
    ],
    ['ports:\n\thttp: 80', 'line 2: Tabs are not allowed as indentation'],
    ['domain: "a.org', 'line 1: Missing closing "quote'],
  ]
  refuse(stack, 'stack.yaml', cases)

  test('but accepts right values', () => {
    const yaml = `
host: ssh://admin@example.org:2222
domain: xn--bcher-kva.example
ports: {http: 1, https: 65535}
app:
  replicas: 16
  environment: {GREETING: "it's $HOME", EMPTY: }
rollout: {surge: all, ready_timeout: 3600}
debian: {mirror: "http://deb.example/debian"}`
    const read = stack(yaml)
    assert.equal(read.host, 'ssh://admin@example.org:2222')
    assert.equal(read.domain, 'xn--bcher-kva.example')
    assert.deepEqual(read.ports, { http: 1, https: 65535, db: 5432 })
    assert.deepEqual(read.app.environment, { GREETING: "it's $HOME", EMPTY: '' })
    assert.deepEqual([read.rollout.surge, read.rollout.ready_timeout, read.app.replicas], ['all', 3600, 16])
  })

  test('but accepts a number for rollout.surge', () => {
    assert.equal(stack('rollout: {surge: 3}').rollout.surge, '3')
  })

  test('and keeps the values of app.environment as they are written', () => {
    const yaml = 'app:\n  environment: {VERSION: 1.10, ID: 00123, BIG: 12345678901234567890}'
    assert.deepEqual(stack(yaml).app.environment, {
      VERSION: '1.10',
      ID: '00123',
      BIG: '12345678901234567890',
    })
  })
})

describe('server.yaml refuses', () => {
  const ED = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIhPd7qHzXBp41QIhXz8HUBq6QjuyGanfXYVPzn9kM6w'
  const KEY = 'a public key as ssh-keygen prints it: TYPE BASE64 COMMENT'
  const NAME = 'a user name that Linux takes: a-z, digits, _ and -'
  const long = 'a'.repeat(33)
  const user = (key: string) => `users:\n  - name: a\n    keys:\n      - ${key}`
  const badKey = (key: string) => `line 4: users[0].keys[0] must be ${KEY}, not “${key}”`
  const cases: [yaml: string, message: string][] = [
    ...['Admin', '1st', 'a b', 'a:b', 'a/b', 'ä', 'a.b', '$x', long].map((name): [string, string] => [
      `users:\n  - name: ${name}`,
      `line 2: users[0].name must be ${NAME}, not “${name}”`,
    ]),
    ['users:\n  - name:', `line 2: users[0].name must be ${NAME}, not “null”`],
    ['users:\n  - name: -x', `line 2: users[0].name must be ${NAME}, not “-x”`],
    ['users:\n  - name: a\n    sudo: yes', 'line 3: users[0].sudo must be true or false, not “yes”'],
    [
      'users:\n  - name: a\n    key: x',
      'line 3: unknown key “key” under users[0]; the nearest known one is “keys”',
    ],
    ['users:\n  - a', 'line 2: users[0] must hold keys, not “a”'],
    ['users: {name: a}', 'line 1: users must be a list, not a map'],
    [`users:\n  - name: a\n    keys: ${ED}`, `line 3: users[0].keys must be a list, not “${ED}”`],
    ['packages: [curl, a b]', 'line 1: packages[1] must be a package name, not “a b”'],
    ['packages: [--force-yes]', 'line 1: packages[0] must be a package name, not “--force-yes”'],
    ...[
      ED.slice(0, -1),
      ED.slice(0, -8),
      `${ED}AAAA`,
      ED.replace('ssh-ed25519', 'ssh-rsa'),
      ED.replace('ssh-ed25519 ', ''),
      ED.replace(' ', '  '),
      'ssh-ed25519',
      'ssh-ed25519 AAAA',
      'ssh-ed25519 AAAAno/such+key comment',
      `no-pty ${ED}`,
      '-----BEGIN OPENSSH PRIVATE KEY-----',
    ].map((key): [string, string] => [user(key), badKey(key)]),
  ]
  refuse(server, 'server.yaml', cases)

  test('a user without a name, and reports the line of that user', () => {
    const yaml = 'users:\n  - name: a\n  - sudo: true\n'
    assert.match(
      refusal(() => server(yaml)),
      /✗ server\.yaml, line 3: users\[1\]\.name is missing\n/,
    )
  })
})

describe('server.yaml accepts a key as ssh-keygen prints it', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keys-test-'))
  })
  after(() => rmSync(folder, { recursive: true }))
  const generated = (type: string) => {
    const file = path.join(mkdtempSync(path.join(folder, 'key-')), 'id')
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', "it's me @home", '-f', file])
    return readFileSync(`${file}.pub`, 'utf8').trim()
  }
  const read = (key: string) => server(JSON.stringify({ users: [{ name: 'a', keys: [key] }] })).users[0]?.keys
  for (const type of ['ed25519', 'rsa', 'ecdsa']) {
    test(`${type}, with a comment and without`, () => {
      const key = generated(type)
      const bare = key.split(' ').slice(0, 2).join(' ')
      assert.deepEqual([read(key), read(bare)], [[key], [bare]])
    })

    test(`${type}, but refuses one that is cut off`, () => {
      const [name, blob = ''] = generated(`${type}`).split(' ')
      refusal(() => read(`${name} ${blob.slice(0, -8)} comment`))
    })
  }
})
