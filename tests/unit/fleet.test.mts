/** Which replicas get requests, as the operator is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import { type Fleet, fleetOf, whoServes } from '../../scripts/lib/rollout/fleet.mts'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'

/** `a-1/1* b-1/2! c-1/3`: target and number. A star: the balancer gives it a weight. A mark: the same, but it does not run. */
function fleet(text: string): Fleet {
  const words = text.split(' ').filter(Boolean)
  const all = words.map((word) => {
    const [, target = '', number, sign = ''] = /^(\S+)\/(\d)([*!]?)$/.exec(word) ?? []
    const [name, address, release] = [`app-${number}`, `10.0.0.${number}`, target.charAt(0)]
    const place = `app${number}\t${address}\t2\t${sign ? 100 : 0}\t0\t0\t0\t`
    return { replica: { name, target, release, address, running: sign !== '!' } as Replica, place }
  })
  const places = parsePlaces(all.map(({ place }) => place).join('\n'))
  return fleetOf(
    all.map(({ replica }) => replica),
    places,
  )
}

for (const [replicas, expected] of [
  ['a-1/1* a-1/2*', 'release a serves as before'],
  ['a-1/1* a-1/2* b-1/3', 'release a serves as before'],
  ['a-1/1* a-1/2!', 'release a serves as before with fewer replicas: app-1 of 2'],
  ['b-1/3* b-1/4*', 'requests go to app-3, app-4 of release b'],
  ['a-2/3* a-2/4*', 'requests go to app-3, app-4 of release a'],
  ['a-1/2* b-1/3*', 'requests go to app-2 of a-1 and app-3 of b-1'],
  ['a-1/2* a-2/3*', 'requests go to app-2 of a-1 and app-3 of a-2'],
  ['a-1/1!', 'no replica gets requests'],
  ['', 'there is no replica'],
] as const)
  test(`${replicas || 'nothing'}: ${expected}`, () => {
    assert.equal(whoServes(fleet(replicas), { target: 'a-1', replicas: 2 }), expected)
  })
