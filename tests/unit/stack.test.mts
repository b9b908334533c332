/** The Compose project's files, and rules for compose/stack.yaml. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { type StackConfig, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { haproxyFiles } from '../../scripts/lib/edge/haproxy.mts'
import { PROCESS1_PORT } from '../../scripts/lib/stack/diagnosis.mts'
import { stackFiles } from '../../scripts/lib/stack/stack.mts'

const IMAGES = { postgres: 'p:17', redis: 'r:8', nginx: 'n:1.30', haproxy: 'h:3.2', python: 'y:3.13' }
const stack = defaults(stackSchema)

function file(name: string, changed: StackConfig = stack) {
  const found = stackFiles(changed, IMAGES).find((one) => one.path === `${changed.folder}/${name}`)
  assert.ok(found, `${name} is not written`)
  return { ...found, content: String(found.content) }
}

const environment = (values: Record<string, string>) =>
  file('compose/app.env', { ...stack, app: { ...stack.app, environment: values } })

test('app.env: values in double quotes, readable for root only', () => {
  const { content, mode } = environment({ A: 'x', GREETING: `it's $HOME "now"`, EMPTY: '', TWO: 'a\nb' })
  assert.equal(content, `A="x"\nGREETING="it's \\$HOME \\"now\\""\nEMPTY=""\nTWO="a\\nb"\n`)
  assert.equal(mode, '600')
  assert.equal(environment({}).content, '')
})

test('app.env: a value that ends in a backslash does not escape its quote', () => {
  assert.equal(environment({ A: 'C:\\' }).content, 'A="C:\\\\"\n')
})

test('every file is in the configured folder', () => {
  for (const { path: place } of stackFiles({ ...stack, folder: '/srv/x' }, IMAGES))
    assert.ok(place.startsWith('/srv/x/'), place)
})

describe('compose/stack.yaml', () => {
  interface Service {
    restart: string
    logging: { driver: string; options: Record<string, string> }
    ports?: string[]
    depends_on?: unknown
    env_file?: string[]
    environment?: Record<string, string>
    networks: string[]
  }
  const text = file('compose/stack.yaml').content
  const services = (parse(text, { merge: true }) as { services: Record<string, Service> }).services

  test('every variable in it has a value, except those of a release', () => {
    const used = new Set([...text.matchAll(/\$\{(\w+)(:-[^}]*)?\}/g)].map((match) => match[1]))
    const given = [...file('compose/stack.env').content.matchAll(/^(\w+)=/gm)].map((match) => match[1])
    assert.deepEqual([...used].sort(), [...given, 'RELEASE', 'SECRETS', 'TARGET'].sort())
  })

  test('six services, which restart by themselves and have bounded logs', () => {
    assert.deepEqual(Object.keys(services), ['db', 'dbport', 'redis', 'app', 'balancer', 'lb'])
    for (const [name, { restart, logging }] of Object.entries(services)) {
      assert.equal(restart, 'unless-stopped', name)
      assert.equal(logging.driver, 'json-file', name)
      assert.deepEqual(
        Object.keys(logging.options).sort(),
        ['max-buffer-size', 'max-file', 'max-size', 'mode'],
        name,
      )
    }
  })

  test('HAProxy asks the port at which process1 answers', () => {
    const { PROCESS1_PORT: given } = services.app?.environment ?? {}
    assert.equal(given, String(PROCESS1_PORT))
    assert.match(haproxyFiles(stack)['haproxy.cfg'] ?? '', new RegExp(`agent-port ${PROCESS1_PORT} `))
  })

  test('only nginx’s ports are published to the network; the database’s port only to the loopback', () => {
    const ports = Object.entries(services).flatMap(([name, one]) =>
      (one.ports ?? []).map((port) => `${name} ${port}`),
    )
    assert.deepEqual(ports, [
      'dbport 127.0.0.1:${DB_PORT}:5432',
      'lb ${HTTP_PORT}:8080',
      'lb ${HTTPS_PORT}:8443',
    ])
  })

  test('nginx is not recreated with a replica, and does not reach the database', () => {
    assert.equal(services.lb?.depends_on, undefined)
    assert.deepEqual(services.lb?.networks, ['edge'])
    assert.deepEqual(services.balancer?.networks, ['edge', 'frontend'])
    assert.deepEqual(services.app?.networks, ['frontend', 'backend'])
    for (const name of ['db', 'redis']) assert.deepEqual(services[name]?.networks, ['backend'])
  })

  test('the scripts write every env_file in it', () => {
    const written = stackFiles(stack, IMAGES).map((one) => one.path)
    const read = (services.app?.env_file ?? []).map((name) =>
      name.replace('${FOLDER}', stack.folder).replace(/^\./, `${stack.folder}/compose`),
    )
    assert.deepEqual(
      read.filter((name) => !written.includes(name)),
      ['/opt/prusa/secrets/app.env'],
    )
  })
})
