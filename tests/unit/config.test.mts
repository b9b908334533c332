/** The configuration: the files as shipped, what overrides them, and what is refused. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { isMap, LineCounter, parseDocument } from 'yaml'
import { loadConfig, ROOT, serverSchema, stackSchema } from '../../scripts/lib/config/config.mts'
import { checkTls } from '../../scripts/lib/config/related-keys.mts'
import { defaults, parseConfig, type Schema } from '../../scripts/lib/config/schema.mts'
import { SHEET_PACKAGES, SHEET_USERS } from '../../scripts/lib/verify/facts.mts'
import { refusal } from '../lib/refusal.mts'

const shipped = (name: string) => readFileSync(path.join(ROOT, 'config', name), 'utf8')
const stack = (yaml: string, env = {}) => parseConfig(stackSchema, yaml, 'stack.yaml', env)
const server = (yaml: string) => parseConfig(serverSchema, yaml, 'server.yaml', {})

/** The path of every key of a schema in YAML; of a list, the keys of its first item. */
function pathsOf(schema: Schema, at: (string | number)[] = []): (string | number)[][] {
  if (schema.kind === 'list') return pathsOf(schema.item, [...at, 0])
  if (schema.kind !== 'section') return []
  return Object.entries(schema.keys as Record<string, Schema>).flatMap(([key, part]) => [
    [...at, key],
    ...pathsOf(part, [...at, key]),
  ])
}

/** The variables that a schema names. */
function variablesOf(schema: Schema): string[] {
  if (schema.kind === 'leaf') return schema.env ? [schema.env] : []
  if (schema.kind === 'section')
    return Object.values(schema.keys as Record<string, Schema>).flatMap(variablesOf)
  return schema.kind === 'list' ? variablesOf(schema.item) : []
}

/** Whether a comment is above the key, above the group of keys that it belongs to, or above its section. */
function isDocumented(yaml: string, key: (string | number)[]): boolean {
  const counter = new LineCounter()
  const document = parseDocument(yaml, { lineCounter: counter })
  const map = document.getIn(key.slice(0, -1), true)
  const pair = (isMap(map) ? map.items : []).find((one) => String(one.key) === key.at(-1))
  assert.ok(pair, `${key.join('.')} is not in the file`)
  const lines = yaml.split('\n')
  let line = counter.linePos((pair.key as { range: [number, number, number] }).range[0]).line - 2
  const indent = (text: string) => text.replace('- ', '  ').search(/\S/)
  const own = indent(lines[line + 1] as string)
  while (lines[line]?.trim() && indent(lines[line] as string) >= own && !/^\s*#/.test(lines[line] as string))
    line--
  const section = key.slice(0, typeof key.at(-2) === 'number' ? -2 : -1)
  return /^\s*#/.test(lines[line] ?? '') || (section.length > 0 && isDocumented(yaml, section))
}

describe('config/ as shipped', () => {
  test('stack.yaml holds the defaults', () => {
    assert.deepEqual(stack(shipped('stack.yaml')), defaults(stackSchema))
  })

  test('server.yaml holds the users and packages of the task sheet', () => {
    assert.deepEqual(server(shipped('server.yaml')), {
      users: SHEET_USERS.map(({ name, sudo, key }) => ({ name, sudo, keys: [`ssh-ed25519 ${key} ${name}`] })),
      packages: [...SHEET_PACKAGES],
      sshd: { harden: false },
    })
  })

  for (const [name, schema] of [
    ['stack.yaml', stackSchema],
    ['server.yaml', serverSchema],
  ] as const)
    test(`${name} holds every key, under a comment`, () => {
      const bare = pathsOf(schema)
        .filter((key) => !isMap(parseDocument(shipped(name)).getIn(key, true)))
        .filter((key) => !isDocumented(shipped(name), key))
      assert.deepEqual(bare, [])
    })

  test('stack.yaml names every variable and no other', () => {
    const named = [...shipped('stack.yaml').matchAll(/\[([A-Z][A-Z_]+)\]/g)].map((match) => match[1])
    assert.deepEqual(named, variablesOf(stackSchema))
  })
})

describe('loadConfig', () => {
  let home: string
  let kept: NodeJS.ProcessEnv
  const dotenv = (text: string) => writeFileSync(path.join(home, '.env'), text)
  const load = () => loadConfig(path.join(home, 'config'))

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'config-test-'))
    cpSync(path.join(ROOT, 'config'), path.join(home, 'config'), { recursive: true })
    kept = { ...process.env }
    for (const name of variablesOf(stackSchema)) delete process.env[name]
  })
  afterEach(() => {
    process.env = kept
    rmSync(home, { recursive: true })
  })

  test('reads the files', () => {
    assert.deepEqual(load().stack, defaults(stackSchema))
  })

  test('.env overrides the file, and the environment overrides .env', () => {
    dotenv('DEPLOY_HOST=admin@203.0.113.7\nREPLICAS=3\nHTTP_PORT=8081 # a comment\nDOMAIN="example.org"\n')
    process.env.REPLICAS = '4'
    const loaded = load().stack
    assert.deepEqual(
      [loaded.host, loaded.app.replicas, loaded.ports.http, loaded.domain, loaded.ports.https],
      ['admin@203.0.113.7', 4, 8081, 'example.org', 443],
    )
  })

  test('refuses a choice of tls by a variable when the file lacks what it needs', () => {
    dotenv('TLS=letsencrypt\n')
    assert.match(refusal(load), /config\/stack\.yaml: tls: letsencrypt needs domain, which is empty\n/)
    dotenv('TLS=letsencrypt\nDOMAIN=www.example.org\n')
    assert.equal(load().stack.tls, 'letsencrypt')
  })

  test('takes an empty variable as not set', () => {
    dotenv('DOMAIN=\n')
    process.env.REPLICAS = ''
    assert.equal(load().stack.app.replicas, 2)
    assert.equal(load().stack.domain, '')
  })

  test('refuses a wrong value of a variable and names the variable', () => {
    dotenv('HTTPS_PORT=https\n')
    assert.equal(
      refusal(load),
      `
✗ The variable HTTPS_PORT must be a whole number from 1 to 65535, not “https”
  State: nothing was contacted or changed.
  Next:  Correct it in .env or in the environment.`,
    )
  })

  test('reports a mistake with the path of the file from the current folder', () => {
    const file = path.join(home, 'config/stack.yaml')
    writeFileSync(file, 'ports:\n  htttp: 80\n')
    assert.equal(
      refusal(load),
      `
✗ ${path.relative(process.cwd(), file)}, line 2: unknown key “htttp” under ports; the nearest known one is “http”
  State: nothing was contacted or changed.
  Next:  Correct the file and run again.`,
    )
  })

  test('reports a missing file with the command that restores it', () => {
    const file = path.join(home, 'config/server.yaml')
    rmSync(file)
    assert.match(
      refusal(load),
      new RegExp(`✗ ${file} is missing\n.*Next: {2}Restore it: git checkout config`, 's'),
    )
  })

  test('takes the defaults when the file is empty', () => {
    writeFileSync(path.join(home, 'config/stack.yaml'), '# nothing yet\n')
    assert.deepEqual(load().stack, defaults(stackSchema))
  })
})

describe('a choice of tls is refused when a key that it needs is empty', () => {
  const pair = 'tls_files: {certificate: a.pem, key: a.key}'
  for (const [yaml, missing] of [
    ['tls: letsencrypt', 'domain'],
    ['tls: files', 'tls_files.certificate'],
    ['tls: files\ntls_files: {certificate: a.pem}', 'tls_files.key'],
  ] as const)
    test(JSON.stringify(yaml), () => {
      assert.equal(
        refusal(() => checkTls(stack(yaml), 'config/stack.yaml')),
        `
✗ config/stack.yaml: tls: ${yaml.slice(5).split('\n')[0]} needs ${missing}, which is empty
  State: nothing was contacted or changed.
  Next:  Set ${missing} there, or choose tls: self-signed.`,
      )
    })

  test('and is accepted when all of them are set', () => {
    for (const yaml of ['tls: letsencrypt\ndomain: a.example', `tls: files\n${pair}`, pair])
      checkTls(stack(yaml), 'stack.yaml')
  })
})

describe('stack.yaml refuses', () => {
  const SIZE = 'a size such as 256m or 1g'
  const cases: [yaml: string, message: string][] = [
    ['hots: local', 'line 1: unknown key “hots”; the nearest known one is “host”'],
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
  for (const [yaml, message] of cases)
    test(JSON.stringify(yaml), () => {
      assert.equal(
        refusal(() => stack(yaml)),
        `
✗ stack.yaml, ${message}
  State: nothing was contacted or changed.
  Next:  Correct the file and run again.`,
      )
    })

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
  for (const [yaml, message] of cases)
    test(JSON.stringify(yaml), () => {
      assert.equal(
        refusal(() => server(yaml)),
        `
✗ server.yaml, ${message}
  State: nothing was contacted or changed.
  Next:  Correct the file and run again.`,
      )
    })

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
