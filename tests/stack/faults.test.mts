/** Replicas that hang on a POST, lie, or are late: the balancer sees it. What dies or hangs under load: survival. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Deployment, docker } from '../lib/deployment.mts'
import { deployment, MINIMAL } from '../lib/shared.mts'
import { until } from '../lib/until.mts'

let site: Deployment
let replica: string
let names: string[]
const shared = deployment(MINIMAL)
before(async () => {
  site = await shared.take()
  names = await site.containers('app')
  replica = names[0] ?? ''
})
after(() => shared.leave())

test('a replica took a POST and never answered: no other replica gets it', async () => {
  await docker`docker pause ${replica}`
  try {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, number) => site.get(`/slow?seconds=0&post=${number}`, {}, 'POST')),
    )
    assert.ok(
      answers.some(({ status }) => status === 502),
      JSON.stringify(answers),
    )
    await docker`docker unpause ${replica}`
    await served(replica)
    const asked = (await site.logged('app')).filter((line) => line.includes('&post='))
    assert.equal(
      new Set(asked.map((line) => /&post=\d/.exec(line)?.[0])).size,
      asked.length,
      asked.join('\n'),
    )
    // What the client is not told, the log is, without the query string.
    const lines = (await site.logged('balancer')).filter((line) => line.includes('"POST"'))
    assert.match(
      lines.join('\n'),
      /"page": "\/slow".*"reason": "the replica was taken out while it had the request"/,
    )
    assert.doesNotMatch(lines.join('\n'), /post=/)
  } finally {
    await docker({ nothrow: true })`docker unpause ${replica}`
  }
})

for (const [what, status] of [
  ['says that it is not ready', '404 Not ready'],
  ['answers 200 without OK', '200 Okay'],
] as const)
  test(`a replica that ${what} gets no request until it says OK`, async () => {
    await site.unnoticed(async () => {
      await docker`docker exec ${replica} sh -c ${`printf '${status}' >/tmp/status`}`
      await without(replica)
      await docker`docker exec ${replica} rm /tmp/status`
      await served(replica)
    })
  })

test('replicas that are too busy to say OK in time, but answer requests, keep getting them', async () => {
  const givenTime = async () =>
    (await site.logged('balancer')).filter((line) => /^\[WARNING\].* is UP, changed from Lua/.test(line))
      .length
  const before = await givenTime()
  await site.unnoticed(async () => {
    // Whoever opens a pipe waits for somebody who writes into it.
    for (const name of names) await docker`docker exec ${name} mkfifo /tmp/status`
    // More often than both are in their seconds of patience: the last one is not taken out.
    await until('the last one was given time', async () => (await givenTime()) - before > 7)
  })
  for (const name of names) await docker`docker exec ${name} rm /tmp/status`
  for (const name of names) await served(name)
})

test('a page that fails takes no replica out and writes no line to the log', async () => {
  const before = (await site.logged('balancer')).length
  await site.unnoticed(async () => {
    for (let number = 0; number < 20; number++) assert.equal((await site.get('/failing')).status, 500)
  })
  assert.equal((await site.logged('balancer')).length, before)
})

test('a reload of the balancer costs no request', async () => {
  await site.unnoticed(async () => {
    site.configure({ app: { timeout: 50 } })
    assert.match(await site.must('04-stack'), /Balancer: reloaded/)
  })
  assert.deepEqual(await site.containers('app'), names)
})

/** Waits until a replica gets no more requests. */
async function without(name: string): Promise<void> {
  await until(`${name} gets no requests`, async () => !(await asked(name)))
}

/** Waits until a replica gets requests and answers them. */
async function served(name: string): Promise<void> {
  await until(`${name} gets requests`, () => asked(name))
}

/** Whether a replica is among those that answer a handful of requests. */
async function asked(name: string): Promise<boolean> {
  const mark = `/?mark=${Math.random()}`
  await Promise.all(Array.from({ length: 6 }, () => site.get(mark)))
  await sleep(50) // the log driver's own pace
  return (await site.logged('lb')).some((line) => line.includes(mark) && line.includes(`"replica":"${name}"`))
}
