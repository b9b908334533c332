import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrongCall } from '../../scripts/lib/cli/errors.mts'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { named } from '../../scripts/lib/stack/services.mts'
import { refusal } from '../lib/refusal.mts'

const stack = { ...defaults(stackSchema), project: 'shop' }

test('the name of a service or of a replica, with or without the project', () => {
  for (const [word, service, container] of [
    ['app', 'app', ''],
    ['lb', 'lb', 'shop-lb-1'],
    ['shop-db-1', 'db', 'shop-db-1'],
    ['redis-1', 'redis', 'shop-redis-1'],
    ['app-12', 'app', 'shop-app-12'],
    ['shop-app-3', 'app', 'shop-app-3'],
  ] as const)
    assert.deepEqual(named(stack, word), { service, container }, word)
})

test('another word is an error that names the nearest service', () => {
  for (const [word, nearest] of [
    ['ap', 'app'],
    ['reddis', 'redis'],
    ['blancer', 'balancer'],
    ['', 'db'],
  ] as const) {
    assert.throws(() => named(stack, word), WrongCall)
    if (word)
      assert.match(
        refusal(() => named(stack, word)),
        new RegExp(`the nearest is “${nearest}”`),
      )
  }
})
