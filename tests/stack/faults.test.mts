/** Replicas that hang on a POST, lie, are late, or are stopped: the balancer sees it. What dies or hangs under load: survival. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { addresses } from '../lib/reach.mts'
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

test('docker stop loses no request: none in flight, and no POST, which nobody may repeat', async () => {
  const since = new Date().toISOString()
  const { [`${site.project}_frontend`]: address = '' } = await addresses(replica)
  const answers = await site.unnoticed(
    async () => {
      const posts = Array.from({ length: 8 }, () => site.get('/slow?seconds=4', {}, 'POST'))
      await until('it holds some of them', async () => (await held(replica)) > 2)
      const stopping = docker`docker stop ${replica}`
      await until('HAProxy has heard of it', async () => (await draining()).includes(address))
      await stopping
      return Promise.all(posts)
    },
    { rate: 100 },
  )
  for (const { status, body } of answers) assert.equal(status, 200, body)
  await prepared(replica, since)
  // Flask's own server ends at once when it gets SIGTERM.
  assert.equal((await docker`docker inspect -f {{.State.ExitCode}} ${replica}`).stdout.trim(), '143')
  await docker`docker start ${replica}`
  await served(replica)
})

test('each replica prepares when all are stopped at once, and no slot of HAProxy keeps their drain', async () => {
  const since = new Date().toISOString()
  await docker`docker stop ${names}`
  for (const name of names) await prepared(name, since)
  await until('no slot drains', async () => (await draining()).length === 0)
  await docker`docker start ${names}`
  for (const name of names) await served(name)
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

/** Looks for the steps of a stop in its log. Two streams have no common order. */
async function prepared(name: string, since: string): Promise<void> {
  const { stdout, stderr } = await docker`docker logs --since=${since} ${name}`
  assert.match(stdout, /told to stop[\s\S]*said Ready: stops it/)
  assert.match(stderr, /GET \/prepare-for-deploy[\s\S]*GET \/ready-for-deploy/)
}

/** Addresses in the slots of HAProxy that have heard `drain`; `-` for a free one. */
async function draining(): Promise<string[]> {
  const asked = ['ask', 'show servers state app']
  const { stdout } = await docker`perl ${ROOT}/scripts/remote/balancer.pl ${site.folder}/haproxy/run ${asked}`
  const slots = [...stdout.matchAll(/^\d+ app \d+ app\d+ (\S+) \d+ (\d+) /gm)]
  assert.equal(slots.length, 40)
  return slots.flatMap(([, address = '', flags]) => (Number(flags) & 24 ? address : []))
}

/** How many connections of others to its application a replica has. */
async function held(name: string): Promise<number> {
  const { stdout } = await docker`docker exec ${name} cat /proc/net/tcp`
  return (stdout.match(/^ *\d+: [0-9A-F]+:1388 [0-9A-F:]+ 01 /gm) ?? []).length
}

/** Whether a replica is among those that answer a handful of requests. */
async function asked(name: string): Promise<boolean> {
  const mark = `/?mark=${Math.random()}`
  const since = new Date().toISOString()
  await Promise.all(Array.from({ length: 6 }, () => site.get(mark)))
  await sleep(50) // the log driver's own pace
  const lines = await site.logged('lb', since)
  return lines.some((line) => line.includes(mark) && line.includes(`"replica":"${name}"`))
}
