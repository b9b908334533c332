/** Each fault of the list, while a client asks 100 times a second and gives up after 5 s: what it sees, and what status says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from '../lib/asking.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { CLIENT, FAULTS, fallible, isBearable, type Seen, suffer, told } from '../lib/faults.mts'
import { testLong } from '../lib/long.mts'
import { soak } from '../lib/soak.mts'
import { until } from '../lib/until.mts'

/** Milliseconds in which a page that lacks Redis or the database must say so. */
const ANSWER = 5000
/** At most so many requests does a replica hold at 100 requests a second. */
const HELD = 10
/** So many requests at once take all threads of both replicas. */
const ALL_THREADS = 40

let site: Deployment
let client: Client
before(async () => {
  const prepared = await Deployment.prepare()
  site = await Deployment.start(fallible(prepared), prepared)
  client = await Client.start(site, CLIENT)
})
after(async () => {
  await client?.stop()
  await site?.remove()
})

/** The minute of random faults below has others of the list; `npm run test:long` has each by itself. */
const CHOSEN = ['one replica is killed', 'both replicas are killed']

for (const fault of FAULTS)
  (CHOSEN.includes(fault.what) ? test : testLong)(fault.what, async (t) => {
    const checks = CHECKS[fault.what]
    await checks?.first?.()
    const seen = await suffer(site, client, fault, async () => checks?.meanwhile?.())
    t.diagnostic(told(fault, seen))
    assert.ok(isBearable(fault, seen), JSON.stringify(seen.failed.slice(0, 3)))
    await checks?.afterwards?.(seen)
  })

test('a volume of Redis with a snapshot alone, as earlier releases of these scripts left it, keeps its hits', async () => {
  const redis = `${site.project}-redis-1`
  await countHits()
  await docker`docker exec ${redis} sh -c ${'redis-cli save && rm -r /data/appendonlydir'}`
  await docker`docker restart ${redis}`
  await until('Redis is back', async () => (await site.get('/redis-hits')).status === 200)
  assert.ok((await counted()) > hits, `${hits} before`)
})

/** Seconds, and the seed. */
const SOAK = { seconds: 60, seed: 12 }

test('a minute of random faults', async (t) => {
  const suffered = await soak(site, client, { ...SOAK, say: (line) => t.diagnostic(line) })
  assert.deepEqual(
    suffered.filter(({ bearable }) => !bearable),
    [],
  )
})

interface Checks {
  first?: () => Promise<unknown>
  meanwhile?: () => Promise<unknown>
  afterwards?: (seen: Seen) => unknown
}

let hits = 0
const countHits = async () => {
  hits = await counted()
}
async function counted(): Promise<number> {
  const { status, body } = await site.get('/redis-hits')
  assert.equal(status, 200, body)
  return Number(/\d+$/.exec(body)?.[0])
}

/** A page that lacks what it needs: it says so in time, and no thread is stuck afterwards. */
const lacking = (page: string): Checks => ({
  meanwhile: async () => {
    const began = Date.now()
    const answers = await Promise.all(Array.from({ length: 8 }, () => site.get(page)))
    for (const { status, body } of answers) assert.equal(status, 503, body)
    assert.ok(Date.now() - began < ANSWER, `${Date.now() - began} ms`)
  },
  afterwards: async () => {
    const answers = await Promise.all(Array.from({ length: ALL_THREADS }, () => site.get(page)))
    for (const { status, body } of answers) assert.equal(status, 200, body)
  },
})

const statusSays = async (what: RegExp) => {
  const { exitCode, text } = await site.run('status')
  assert.match(text, what)
  assert.equal(exitCode, 1)
}

/** What is seen besides the client's requests. */
const CHECKS: Record<string, Checks> = {
  'one replica answers 500 to everything': { meanwhile: () => statusSays(/^✗ [\d.]+ % of the requests /m) },
  'both replicas are killed': {
    meanwhile: async () => {
      let { status, headers, body } = await site.get('/')
      // What a replica had begun when it died was broken off.
      while (status === 502) ({ status, headers, body } = await site.get('/'))
      assert.equal(status, 503)
      assert.equal(headers['retry-after'], '5')
      assert.match(body, /^No replica can answer at the moment/)
    },
    afterwards: ({ failed }) => {
      // What the replicas held when they died was broken off. All else is told at once that nobody can answer.
      const others = failed.filter(({ status }) => status !== 503)
      assert.ok(others.length <= HELD, JSON.stringify(others.slice(0, 3)))
    },
  },
  'Redis is stopped': lacking('/redis-hits'),
  'Redis hangs': lacking('/redis-hits'),
  'Redis is killed': {
    first: countHits,
    afterwards: async () => assert.ok((await counted()) > hits, `${hits} before`),
  },
  'the database is stopped': lacking('/palindrom/level'),
  'the database hangs': lacking('/palindrom/level'),
  'one replica uses up its memory': { afterwards: () => statusSays(/^✗ \S+-app-\d .*killed for memory/m) },
  'one replica is in a crash loop': {
    meanwhile: () => statusSays(/^✗ \S+-app-\d crashes again and again, /m),
  },
}
