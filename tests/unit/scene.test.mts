/** What an operator is told about who has requests, by what was looked up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Replica } from '../../scripts/lib/rollout/replica.mts'
import { whoServes } from '../../scripts/lib/rollout/scene.mts'

/** `a-1/1* b-1/2! c-1/3`: target and number; a star: has requests; a mark: does not run, and is to have them. */
function scene(text: string) {
  const found = text
    .split(' ')
    .filter(Boolean)
    .map((word) => {
      const [, target = '', number, sign] = /^(\S+)\/(\d)([*!]?)$/.exec(word) ?? []
      const one = { name: `app-${number}`, target, release: target.charAt(0), running: sign !== '!' }
      return { one: one as Replica, served: sign !== '' }
    })
  return {
    found: found.map(({ one }) => one),
    serving: found.filter(({ served }) => served).map(({ one }) => one.name),
  }
}

for (const [there, expected] of [
  ['a-1/1* a-1/2*', 'release a serves as before'],
  ['a-1/1* a-1/2* b-1/3', 'release a serves as before'],
  ['a-1/1* a-1/2!', 'release a serves as before, but by app-1 alone, of 2 replicas'],
  ['b-1/3* b-1/4*', 'requests go to app-3, app-4 of release b'],
  ['a-2/3* a-2/4*', 'requests go to app-3, app-4 of release a'],
  ['a-1/2* b-1/3*', 'requests go to app-2 of a-1 and app-3 of b-1'],
  ['a-1/2* a-2/3*', 'requests go to app-2 of a-1 and app-3 of a-2'],
  ['a-1/1!', 'no replica that runs has requests'],
  ['', 'no replica is there'],
] as const)
  test(`${there || 'nothing'}: ${expected}`, () => {
    assert.equal(whoServes(scene(there), { target: 'a-1', replicas: 2 }), expected)
  })
