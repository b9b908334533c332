/** The configuration: the files as shipped, and what overrides them. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { isMap, LineCounter, parseDocument } from 'yaml'
import { loadConfig, ROOT, serverSchema, stackSchema } from '../../scripts/lib/config/config.mts'
import { checkTls } from '../../scripts/lib/config/related-keys.mts'
import { defaults, parseConfig, type Schema } from '../../scripts/lib/config/schema.mts'
import { SHEET_PACKAGES, SHEET_USERS } from '../../scripts/lib/verify/facts.mts'
import { refusal } from '../lib/refusal.mts'

const shipped = (name: string) => readFileSync(path.join(ROOT, 'config', name), 'utf8')
const stack = (yaml: string) => parseConfig(stackSchema, yaml, 'stack.yaml', {})
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
