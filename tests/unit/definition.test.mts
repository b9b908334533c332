/** What tells a replica that is as configured from one that is not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type StackConfig, stackSchema } from '../../scripts/lib/config.mts'
import { definitionOf } from '../../scripts/lib/definition.mts'
import { defaults } from '../../scripts/lib/schema.mts'

const IMAGES = { postgres: 'p:17', redis: 'r:8', nginx: 'n:1.30', python: 'y:3.13' }
const stack = defaults(stackSchema)
const of = (changed: Partial<StackConfig> = {}, release = 'a', images = IMAGES) =>
  definitionOf({ ...stack, ...changed }, images, release)

test('is the same for the same, and for what does not concern a replica', () => {
  assert.equal(of(), of())
  assert.equal(of({ ports: { ...stack.ports, https: 8443 } }), of())
  assert.equal(of({ app: { ...stack.app, replicas: 5, timeout: 60 } }), of())
  assert.equal(of({}, 'a', { ...IMAGES, postgres: 'p:18', nginx: 'n:1.31' }), of())
})

test('is another one for another release, memory, variable, project or folder', () => {
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

test('holds what the anchors of the file bring in', () => {
  assert.match(of(), /no-new-privileges/)
})
