import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WrongCall } from '../../scripts/lib/cli/errors.mts'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { chosenHosts, named } from '../../scripts/lib/stack/services.mts'
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

describe('with several hosts', () => {
  const all = ['root@a', 'root@b', 'root@c']
  const swarm = { ...stack, hosts: all }
  const answering = [new Host('root@a'), new Host('root@c')]
  const choose = (...words: string[]) => {
    const { hosts, words: others } = chosenHosts(words, all, answering)
    return [hosts.map(({ name }) => name), others]
  }

  test('a replica has Swarm’s name', () => {
    for (const word of ['app.3', 'app-3', 'shop-app-3'])
      assert.deepEqual(named(swarm, word), { service: 'app', container: 'app.3' }, word)
    assert.match(
      refusal(() => named(swarm, 'root@d')),
      /the nearest is “root@[abc]”/,
    )
  })

  test('a host may be named beside a service', () => {
    assert.deepEqual(choose('lb'), [['root@a', 'root@c'], ['lb']])
    assert.deepEqual(choose('root@c', 'lb'), [['root@c'], ['lb']])
    assert.match(
      refusal(() => choose('root@b')),
      /root@b does not answer/,
    )
  })
})
