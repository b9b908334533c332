/** The state of the replicas in HAProxy, and HAProxy's configuration. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import { haproxyFiles } from '../../scripts/lib/edge/haproxy.mts'

/** Output of balancer.pl with HAProxy 3.2: one replica is up, one is not ready, one drains, one hangs. */
const OUTPUT = readFileSync(path.join(import.meta.dirname, 'balancer.look.txt'), 'utf8')

test('each replica has its state, the reason and its counts', () => {
  const places = parsePlaces(OUTPUT)
  const [well, draining, hung, unready] = places
  assert.equal(places.length, 4)
  assert.deepEqual(well, {
    name: 'app1',
    address: '192.168.208.2',
    up: true,
    why: '',
    weight: 100,
    busy: 3,
    answered: 10,
    failed: 10,
  })
  assert.deepEqual([unready?.up, unready?.why], [false, 'answers 404 “Not ready”'])
  assert.deepEqual([draining?.up, draining?.weight, draining?.busy], [true, 0, 1])
  assert.deepEqual([hung?.up, hung?.why], [false, 'Layer7 timeout'])
})

test('HAProxy without replicas, and a replica before its first check', () => {
  assert.deepEqual(parsePlaces(''), [])
  const [place] = parsePlaces('app1\t10.0.0.2\t0\t100\t0\t0\t0\t\n')
  assert.deepEqual([place?.up, place?.why], [false, 'not checked yet'])
})

test('all values of the configuration are filled in', () => {
  const stack = defaults(stackSchema)
  const files = haproxyFiles({ ...stack, domain: 'shop.example.org', app: { ...stack.app, timeout: 90 } })
  assert.deepEqual(Object.keys(files).sort(), ['hangs.lua', 'haproxy.cfg', 'reasons.map', 'watch.pl'])
  const { 'haproxy.cfg': config = '' } = files
  assert.match(config, /^ {2}timeout server 90s$/m)
  assert.match(config, / hdr Host shop\.example\.org /)
  assert.match(haproxyFiles(stack)['haproxy.cfg'] ?? '', / hdr Host localhost /)
  assert.doesNotMatch(config.replaceAll(/^#.*$/gm, ''), /\$\{/)
})
