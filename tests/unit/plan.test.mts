/** The plan of a rollout: a table of situations, and a property over random ones. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type StackConfig, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import type { Fleet } from '../../scripts/lib/rollout/fleet.mts'
import { batches, isDone, originOf, type Plan, plan } from '../../scripts/lib/rollout/plan.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'
import { seeded } from '../lib/random.mts'
import { replica, World } from '../lib/world.mts'

const current = ({ release }: Replica) => release === 'new'

function config(replicas: number, surge = '1'): StackConfig {
  const stack = defaults(stackSchema)
  return { ...stack, app: { ...stack.app, replicas }, rollout: { ...stack.rollout, surge } }
}

/** `new1 old2 dead3`: containers with their numbers. A star: it gets requests. */
function situation(text: string): Fleet {
  const words = text.split(' ').filter(Boolean)
  const found = words.map((word) => {
    const [, kind = '', number = ''] = /^([a-z]+)(\d+)\*?$/.exec(word) ?? []
    return replica(Number(number), kind === 'old' ? 'old' : 'new', kind !== 'dead')
  })
  return { found, serving: found.filter((_, index) => words[index]?.endsWith('*')) }
}

const numbers = (list: Replica[]) => list.map(({ name }) => name.split('-').at(-1)).join(' ')
const turn = (fresh: number, old: Replica[]) => `+${fresh}${old.map(({ id }) => ` -${id.slice(2)}`).join('')}`

/** `adopt 3, leave 4, +1 -1, +1 -2` */
function shown({ adopt, leftovers, batches }: Plan): string {
  const parts = [
    adopt.length > 0 && `adopt ${numbers(adopt)}`,
    leftovers.length > 0 && `leave ${numbers(leftovers)}`,
    ...batches.map(({ fresh, old }) => turn(fresh, old)),
  ]
  return parts.filter(Boolean).join(', ')
}

test('the origin: the target that is replaced, else that of a rollout that was interrupted, else the one that serves', () => {
  const older = { release: 'older', target: 'older' }
  const cases: [there: string, interrupted: typeof older | undefined, expected: string | undefined][] = [
    ['old1* old2*', undefined, 'old'],
    ['old1 new2* new3*', undefined, 'old'],
    ['old1* old2*', older, 'old'],
    ['new1* new2', older, 'older'],
    ['new1* new2', undefined, 'new'],
    ['new1*', undefined, 'new'],
    ['dead1* dead2*', undefined, 'new'],
    ['new1 new2', undefined, undefined],
    ['old1', undefined, undefined],
    ['old1', older, 'older'],
    ['', undefined, undefined],
  ]
  for (const [there, interrupted, expected] of cases) {
    const fleet = situation(there)
    const origin = originOf(plan(config(2), fleet, current), fleet, 'new', interrupted)
    assert.equal(origin?.release, expected, there)
  }
})

test('a plan that changes nothing is done', () => {
  const done = (text: string) => isDone(plan(config(2), situation(text), current))
  assert.ok(done('new1* new2*'))
  for (const text of ['', 'new1*', 'new1* new2', 'new1* old2*', 'new1* new2* dead3'])
    assert.ok(!done(text), text)
})

describe('plan', () => {
  const cases: [what: string, replicas: number, surge: string, there: string, expected: string][] = [
    ['first start: all at once', 2, '1', '', '+2'],
    ['first start of sixteen', 16, '1', '', '+16'],
    ['all as wanted', 2, '1', 'new1* new2*', ''],
    ['a new release, one at a time', 2, '1', 'old1* old2*', '+1 -1, +1 -2'],
    ['a new release, all at once', 2, 'all', 'old1* old2*', '+2 -1 -2'],
    ['surge 2 of 3', 3, '2', 'old1* old2* old3*', '+2 -1 -2, +1 -3'],
    ['surge above the number', 2, '9', 'old1* old2*', '+2 -1 -2'],
    ['scale up', 4, '1', 'new1* new2*', '+1, +1'],
    ['scale up, all at once', 4, 'all', 'new1* new2*', '+2'],
    ['scale down', 1, '1', 'new1* new2* new3*', '+0 -2, +0 -3'],
    ['scale up with a new release', 3, '1', 'old1*', '+1 -1, +1, +1'],
    ['scale down with a new release', 1, '1', 'old1* old2*', '+1 -1, +0 -2'],
    ['a crashed replica is replaced', 2, '1', 'new1* dead2*', '+1 -2'],
    ['a crashed replica that serves nobody', 2, '1', 'new1* new2* dead3', 'leave 3'],
    ['all crashed', 2, '1', 'dead1* dead2*', '+1 -1, +1 -2'],
    ['interrupted: fresh started, not yet in', 2, '1', 'old1* old2* new3', 'adopt 3, +1 -1, +0 -2'],
    ['interrupted: swapped, old not yet gone', 2, '1', 'old1 old2* new3*', 'leave 1, +1 -2'],
    ['interrupted: all in, old ones left', 2, '1', 'old1 old2 new3* new4*', 'leave 1 2'],
    ['interrupted: a fresh one of another release', 2, '1', 'new1* new2* old3', 'leave 3'],
    ['interrupted at the first start: adopt, nothing serves', 2, '1', 'new1 new2', 'adopt 1 2'],
    ['interrupted at the first start, half of it', 2, '1', 'new1', 'adopt 1, +1'],
    ['back to the release before, mid-way', 2, '1', 'new1* old2*', '+1 -2'],
    ['more fresh ones than wanted', 1, '1', 'new1* new2', 'leave 2'],
  ]
  for (const [what, replicas, surge, there, expected] of cases)
    test(`${what}: ${there || 'nothing'} → ${expected || 'nothing to do'}`, () => {
      assert.equal(shown(plan(config(replicas, surge), situation(there), current)), expected)
    })
})

test('batches pair fresh replicas with old ones', () => {
  const old = [1, 2, 3].map((number) => replica(number, 'old'))
  const cases: [fresh: number, old: number, surge: number, expected: string][] = [
    [0, 0, 1, ''],
    [2, 2, 1, '+1 -1, +1 -2'],
    [3, 1, 2, '+2 -1, +1'],
    [1, 3, 2, '+1 -1 -2, +0 -3'],
    [0, 3, 2, '+0 -1 -2, +0 -3'],
    [3, 3, 16, '+3 -1 -2 -3'],
  ]
  for (const [fresh, number, surge, expected] of cases) {
    const turns = batches(fresh, old.slice(0, number), surge)
    assert.equal(turns.map((one) => turn(one.fresh, one.old)).join(', '), expected)
  }
})

test('from any state: exactly the wanted replicas are left, all of them serve, and capacity never sinks', () => {
  const random = seeded(7)
  for (let round = 0; round < 3000; round++) {
    const wanted = 1 + random(5)
    const surge = ['1', '2', '3', '16', 'all'][random(5)] as string
    const stack = config(wanted, surge)
    const world = new World()
    for (let number = random(8); number > 0; number--)
      world.add(['old', 'older', 'new'][random(3)] as string, random(4) > 0, random(3) > 0)
    const label = `round ${round}: ${wanted} wanted, surge ${surge}, ${JSON.stringify(world.found)}, ${world.serving.map(({ name }) => name)}`
    const enough = Math.min(wanted, world.live)
    const carryOut = (steps?: number) => {
      const atOnce = surge === 'all' || world.serving.length === 0 ? wanted : Number(surge)
      const most = Math.max(world.found.length, wanted) + atOnce
      world.carryOut(
        next(),
        () => {
          assert.ok(world.live >= enough, `capacity sank to ${world.live}; ${label}`)
          assert.ok(world.found.length <= most, `${world.found.length} containers at once; ${label}`)
        },
        steps,
      )
    }
    const next = () => plan(stack, { found: [...world.found], serving: [...world.serving] }, current)

    if (random(2) === 0) carryOut(random(6))
    carryOut()

    assert.equal(world.found.filter((one) => one.running && current(one)).length, wanted, label)
    assert.equal(world.found.length, wanted, label)
    assert.deepEqual(new Set(world.serving), new Set(world.found), label)
    assert.deepEqual(next(), { adopt: [], leftovers: [], batches: [] }, label)
  }
})
