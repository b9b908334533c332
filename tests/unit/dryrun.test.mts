import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { describePlan, describeTurns } from '../../scripts/lib/rollout/dryrun.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'

const stack = defaults(stackSchema)
const old = { name: 'prusa-app-1' } as Replica
const plan = { adopt: [], leftovers: [], batches: [{ fresh: 1, old: [old] }] }

const READY = 'wait for 200 and OK at /status of the fresh replicas (1)'
const IN =
  'ask the fresh replicas (1) for /, then send 5 % of a full share of the requests there, then all of it'
const OUT = [
  'send no new requests to prusa-app-1',
  'ask prusa-app-1 to prepare; stop and remove each when it says Ready and holds no request',
]

test('start-first: the fresh replica gets requests before the old one drains', () => {
  assert.deepEqual(
    describePlan({ done: false, steps: describeTurns(stack, plan, 'new') }, 'new', false, true),
    [
      'build release new',
      'prepare the schema by create_db.py, unless new has done so',
      'start 1 replica of new',
      READY,
      IN,
      ...OUT,
    ],
  )
})

test('stop-first: the old replica is gone before a fresh one starts', () => {
  const stopFirst = { ...stack, rollout: { ...stack.rollout, order: 'stop-first' as const } }
  assert.deepEqual(describeTurns(stopFirst, plan, 'new'), [...OUT, 'start 1 replica of new', READY, IN])
})

test('a plan that changes nothing says so', () => {
  assert.deepEqual(describePlan({ done: true, steps: [] }, 'new', true, true), [
    'Release new is already running: nothing to do.',
  ])
})
