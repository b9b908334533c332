import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { describePlan } from '../../scripts/lib/rollout/dryrun.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'

const stack = defaults(stackSchema)
const old = { name: 'prusa-app-1' } as Replica
const plan = { adopt: [], leftovers: [], batches: [{ fresh: 1, old: [old] }] }

/** The steps without their commands. */
const steps = (lines: string[]) => lines.filter((line) => !line.startsWith(' '))

test('start-first: the fresh one is in before the old one is drained', () => {
  assert.deepEqual(steps(describePlan(stack, plan, 'new', false, true)), [
    'build release new',
    'prepare the schema, unless new did so already',
    'start 1 of new',
    'wait until the fresh (1) answers 200 OK',
    'load balancer: fresh in, prusa-app-1 out',
    'drain and stop prusa-app-1',
  ])
})

test('stop-first: the old one is gone before a fresh one starts', () => {
  const stopFirst = { ...stack, rollout: { ...stack.rollout, order: 'stop-first' as const } }
  assert.deepEqual(steps(describePlan(stopFirst, plan, 'new', true, false)), [
    'load balancer: prusa-app-1 out',
    'drain and stop prusa-app-1',
    'start 1 of new',
    'wait until the fresh (1) answers 200 OK',
    'load balancer: fresh in',
  ])
})

test('nothing to do is said', () => {
  assert.deepEqual(describePlan(stack, { adopt: [], leftovers: [], batches: [] }, 'new', true, true), [
    'Release new is already running: nothing to do.',
  ])
})
