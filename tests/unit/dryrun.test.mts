import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { describePlan } from '../../scripts/lib/rollout/dryrun.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'

const stack = defaults(stackSchema)
const old = { name: 'prusa-app-1' } as Replica
const plan = { adopt: [], leftovers: [], batches: [{ fresh: 1, old: [old] }] }

const IN = 'the fresh (1): asked for /, then 5 % of a share of the requests, then all of it'
const OUT = [
  'prusa-app-1: no new requests',
  'prusa-app-1: asked to prepare; stopped and removed when it says Ready and holds no request',
]

test('start-first: the fresh one is in before the old one is drained', () => {
  assert.deepEqual(describePlan(stack, plan, 'new', false, true), [
    'build release new',
    'prepare the schema by create_db.py, unless new did so already',
    'start 1 replica of new',
    'wait until the fresh (1) answers /status with 200 and OK',
    IN,
    ...OUT,
  ])
})

test('stop-first: the old one is gone before a fresh one starts', () => {
  const stopFirst = { ...stack, rollout: { ...stack.rollout, order: 'stop-first' as const } }
  assert.deepEqual(describePlan(stopFirst, plan, 'new', true, false), [
    ...OUT,
    'start 1 replica of new',
    'wait until the fresh (1) answers /status with 200 and OK',
    IN,
  ])
})

test('nothing to do is said', () => {
  assert.deepEqual(describePlan(stack, { adopt: [], leftovers: [], batches: [] }, 'new', true, true), [
    'Release new is already running: nothing to do.',
  ])
})
