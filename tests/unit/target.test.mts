/** A target: its name, its files, and how a replica differs from it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type StackConfig, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'
import { difference, nameOf, releaseOf, targetFiles } from '../../scripts/lib/rollout/target.mts'

const stack = defaults(stackSchema)
const of = (changed: Partial<StackConfig> = {}, release = 'a') => nameOf({ ...stack, ...changed }, release)
const file = (name: string, changed: Partial<StackConfig> = {}) => {
  const found = targetFiles({ ...stack, ...changed }, 'a1').find(({ path }) => path.endsWith(`/${name}`))
  assert.ok(found, name)
  return { ...found, content: String(found.content) }
}

test('its name stays the same for settings that do not concern a replica', () => {
  assert.equal(of(), of())
  assert.equal(of({ ports: { ...stack.ports, https: 8443 } }), of())
  assert.equal(of({ app: { ...stack.app, replicas: 5, timeout: 60 } }), of())
  assert.equal(of({ base_images: { ...stack.base_images, postgres: 'p:18' } }), of())
})

test('its name changes with release, memory, variables, project and folder', () => {
  const others = [
    of({}, 'b'),
    of({ app: { ...stack.app, memory: '512m' } }),
    of({ app: { ...stack.app, environment: { A: '1' } } }),
    of({ app: { ...stack.app, environment: { A: '2' } } }),
    of({ project: 'other' }),
    of({ folder: '/srv/x' }),
    of({ rollout: { ...stack.rollout, stop_timeout: 5 } }),
  ]
  assert.equal(new Set([of(), ...others]).size, others.length + 1)
})

test('its name begins with the release', () => {
  assert.match(of({}, '9dbc2df83e50'), /^9dbc2df83e50-[0-9a-f]{8}$/)
  assert.equal(releaseOf(of({}, '9dbc2df83e50')), '9dbc2df83e50')
  assert.equal(releaseOf('9dbc2df83e50'), '9dbc2df83e50')
})

test('its files need no others: one service, a value for each variable, networks that exist', () => {
  const definition = file('stack.yaml')
  const { services, networks } = parse(definition.content)
  assert.deepEqual(Object.keys(services), ['app'])
  assert.deepEqual(services.app.security_opt, ['no-new-privileges:true'])
  assert.deepEqual(networks.frontend, { external: true, name: '${PROJECT}_frontend' })
  assert.deepEqual(Object.keys(networks), services.app.networks)
  const used = new Set([...definition.content.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name))
  const given = [...file('stack.env').content.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
  assert.deepEqual([...used, 'TARGET'].sort(), given.sort())
  assert.ok(file('stack.env').content.includes(`RELEASE="a1"\nTARGET="${nameOf(stack, 'a1')}"\n`))
})

test('only root reads the application’s variables; no password is in the files', () => {
  const { content, mode } = file('app.env', { app: { ...stack.app, environment: { GREETING: 'a "b"' } } })
  assert.equal(content, 'GREETING="a \\"b\\""\n')
  assert.equal(mode, '600')
  assert.ok(parse(file('stack.yaml').content).services.app.env_file.includes('${FOLDER}/secrets/app.env'))
})

test('a replica that differs from its target says how', () => {
  const wanted = { name: of({}, 'b'), release: 'b', secrets: '1' }
  const cases: [release: string, target: string, secrets: string, expected: string][] = [
    ['b', of({}, 'b'), '1', ''],
    ['b', of({ app: { ...stack.app, memory: '1g' } }, 'b'), '1', 'other settings'],
    ['b', 'b', '', 'other settings and unknown passwords'],
    ['a', of({}, 'a'), '1', 'another release'],
    ['b', of({}, 'b'), '0', 'an older password'],
  ]
  for (const [release, target, secrets, expected] of cases)
    assert.equal(difference(stack, wanted, { release, target, secrets } as Replica), expected)
})
