/** Somebody else's application, rolled out under load: its waits, its refusals, interruptions, and two at once. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { withLock } from '../../scripts/lib/host/lock.mts'
import { readFleet } from '../../scripts/lib/rollout/fleet.mts'
import { copyOf } from '../lib/application.mts'
import { Client } from '../lib/client.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { interrupt } from '../lib/interrupt.mts'
import { LONG, testLong } from '../lib/long.mts'
import { seeded } from '../lib/random.mts'
import { addresses } from '../lib/reach.mts'
import { until } from '../lib/until.mts'
import { WebSocketClient } from '../lib/websocket.mts'

const SEED = Number(process.env.SEED ?? 1)

let site: Deployment
before(async () => {
  site = await Deployment.start(minimal('0', '2-5'))
})
after(() => site.remove())

const stackOf = ({ folder, project }: Deployment) => ({ ...defaults(stackSchema), folder, project })

/** The application of tests/apps. @param drain `NEVER`: until the test says that it is drained */
function minimal(warmup: string, drain: string) {
  const environment = { MINIMAL_WARMUP: warmup, MINIMAL_DRAIN: drain }
  return { app: { source: path.join(ROOT, 'tests/apps/minimal'), environment } }
}
const NEVER = '10000'

/** Lets replicas say Ready. */
async function drained(replicas: string[]): Promise<void> {
  for (const name of replicas) await docker`docker exec ${name} touch /tmp/drained`
}

test('the application answers 404 until it is ready, and until it is drained; no request fails', async () => {
  site.configure(minimal('3', NEVER))
  await site.unnoticed(() => site.must('redeploy'))
})

test('the rollout tells a killed balancer again which replicas drain', async () => {
  const olds = await site.containers('app')
  const [old = ''] = olds
  const address = (await addresses(old))[`${site.project}_frontend`]
  // Requests fail while no balancer is there. On a busy machine the rollout could take them for the release's failures.
  site.configure({ ...minimal('0', '0'), rollout: { abort_on_errors: false } })
  const rollout = site.begin('redeploy')
  await site.printed(rollout, / out \(/)
  const balancer = `${site.project}-balancer-1`
  process.kill(Number((await docker`docker inspect -f {{.State.Pid}} ${balancer}`).stdout), 'SIGKILL')
  await until(`${old} drains again`, async () => {
    const { places } = await readFleet(new Host('local'), stackOf(site)).catch(() => ({ places: [] }))
    return places.some((one) => one.address === address && one.up && one.weight === 0)
  })
  await drained(olds)
  const { exitCode, stdall } = await rollout
  assert.equal(exitCode, 0, stdall)
  site.configure({ rollout: { abort_on_errors: true } })
})

test('a WebSocket lives while other replicas go, and the rollout waits for its own replica, by name and number', async () => {
  const client = await WebSocketClient.open(site.ports.https, '/websocket')
  const rollout = site.begin('redeploy', '--force')
  await site.printed(rollout, /app-\d+ holds 1 request: waiting 60 s at most for the end/)
  assert.equal(await client.echo('still there'), 'still there')
  client.close()
  const { exitCode, stdall } = await rollout
  assert.equal(exitCode, 0, stdall)
  assert.doesNotMatch(stdall, /cut off/)
})

test('the rollout cuts off and counts what a replica still holds when its time is over', async () => {
  site.configure(minimal('0', NEVER))
  site.configure({ app: { timeout: 2 }, rollout: { balancer_timeout: 2 } })
  const client = await WebSocketClient.open(site.ports.https, '/websocket')
  const cut = assert.rejects(new Client(site.origin).listen('/events?silence=0.2&others=1000'))
  const text = await site.must('redeploy')
  assert.match(text, /app-\d+ holds \d requests? after 2 s: cut off/)
  assert.match(text, /of all clients, 0 unanswered, [12] broken off/)
  assert.match(text, /0 failed, 2 cut off, slowest/)
  await until('it has ended', () => client.ended)
  await cut
  site.configure({ app: { timeout: 60 }, rollout: { balancer_timeout: 60 } })
})

testLong(
  'an old replica never says Ready: the rollout stops there (on_drain_timeout: abort), or stops the replica with a warning',
  async () => {
    const old = await site.containers('app')
    site.configure({ app: { environment: { ROUND: '2' } } })
    site.configure({ rollout: { drain_timeout: 2, on_drain_timeout: 'abort' } })
    await site.unnoticed(async () => {
      const { exitCode, text } = await site.run('redeploy')
      assert.equal(exitCode, 1, text)
      assert.match(
        text,
        /the rollout stops here[\s\S]*State: requests go to .*; without requests, but still running: .*\.[\s\S]*Next:/,
      )
    })
    for (const name of old) assert.ok((await site.containers('app')).includes(name))
    site.configure({ rollout: { on_drain_timeout: 'stop' } })
    await site.unnoticed(async () => {
      const text = await site.must('redeploy')
      assert.match(text, /did not say Ready within 2 s: it is stopped anyway .* Requests go to /)
    })
    assert.equal((await site.containers('app')).length, 2)
    for (const name of old) assert.ok(!(await site.containers('app')).includes(name))
    site.configure({ rollout: { drain_timeout: 60 } })
  },
)

test('the rollout calls draining replicas back when requests fail', async () => {
  const [old] = await site.releases()
  const olds = await site.containers('app')
  const source = copyOf(site, 'tests/apps/minimal', 'failing')
  const file = path.join(source, 'app.py')
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(
      'return "Hello',
      'if "X-Request-ID" in request.headers: 1 / 0\n    return "Hello',
    ),
  )
  site.configure(minimal('0', '0'))
  site.configure({ app: { source }, probe: { rate: 50 } })
  const { failed } = await site.underLoad(async () => {
    const rollout = site.begin('redeploy')
    // Called back at once, as the very next step; the fresh ones and then they themselves drain later. On a slow machine
    // it may have been seen before they were out.
    const calledBack =
      /✓ load balancer: (\S+, \S+) in .*\n(✓ load balancer: (\S+, \S+) out .*\n✓ load balancer: \3 in, \1|✓ load balancer: \1) out .*\n! /
    await site.printed(rollout, calledBack)
    await drained(olds)
    const { exitCode, stdall } = await rollout
    assert.equal(exitCode, 1, stdall)
    assert.match(stdall, /requests fail that did not fail before: \d+ of \d+/)
    assert.match(stdall, /State: release \w+ serves as before/)
  })
  assert.ok(failed.length > 0)
  assert.deepEqual(await site.releases(), [old, old])
  site.configure({ ...minimal('0', '0'), probe: { rate: 10 } })
})

/** Digests of everything that the deployment has on the server, but for the lock's own files. */
const files = async () =>
  (await docker`find ${site.folder} -type f ! -name lock.* -exec sha256sum {} +`).stdout

testLong(
  'a second operator with other sources and settings is told who holds the lock, and changes nothing',
  async () => {
    const [release = ''] = await site.releases()
    const olds = await site.containers('app') // they never say Ready, so that the first one waits
    const first = site.begin('redeploy', '--force')
    await site.printed(first, /started/)
    const source = copyOf(site, 'tests/apps/minimal', 'other')
    writeFileSync(path.join(source, 'other.py'), '')
    const refused = async (purpose: RegExp, script: string, ...flags: string[]) => {
      const { exitCode, text } = await site.run(script, ...flags)
      assert.equal(exitCode, 1, text)
      assert.match(text, purpose)
      assert.match(text, /State: nothing was changed.\n {2}Next: {2}Wait until it has ended/)
    }
    const own = minimal('0', '0')
    site.configure({ app: { memory: '300m', environment: { OTHER: 'yes' } }, limits: { requests: 77 } })
    await refused(/Another run is under way: \S+@\S+ since \S+ for redeploy\n/, 'redeploy')
    await drained(olds)
    assert.equal((await first).exitCode, 0)
    await withLock(new Host('local'), stackOf(site), 'a trial', async () => {
      const before = await files()
      const trial = /Another run is under way: \S+@\S+ since \S+ for a trial\n/
      for (const script of ['03-db', '04-stack']) await refused(trial, script)
      await refused(trial, 'rollback', '--release', release)
      site.configure({ app: { source } }) // where these steps would stop, since it is not built
      for (const script of ['02-build', 'redeploy', 'deploy']) await refused(trial, script)
      assert.equal(await files(), before)
    })
    site.configure({
      ...own,
      app: { ...own.app, memory: '256m', environment: { OTHER: '' } },
      limits: { requests: 1000 },
    })
  },
)

/** How often it is cut off by each signal, in `npm run test:long`. stack/steps does so at each step; these are the moments between. */
const ROUNDS = 5

for (const signal of LONG ? (['SIGKILL', 'SIGINT'] as const) : [])
  test(`${signal} at any moment costs no request, and the next redeploy finishes the rollout`, async () => {
    const below = seeded(signal === 'SIGINT' ? SEED + 1 : SEED)
    for (let round = 0; round < ROUNDS; round++) {
      const delay = 1000 + below(5000)
      await site.unnoticed(async () => {
        await interrupt(site, 'redeploy', ['--force'], signal, delay)
        const { exitCode, text } = await site.run('redeploy')
        assert.equal(exitCode, 0, `after ${delay} ms (seed ${SEED}):\n${text}`)
      })
      const names = await site.containers('app')
      assert.equal(names.length, 2, `after ${delay} ms: ${names}`)
      const status = JSON.parse((await site.run('status', '--json')).stdout) as {
        replicas: { serving: boolean }[]
      }
      assert.deepEqual(
        status.replicas.map(({ serving }) => serving),
        [true, true],
      )
    }
    assert.equal((await site.containers('app', true)).length, 2)
  })
