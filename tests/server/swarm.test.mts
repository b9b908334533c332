/**
 * One road: one server becomes three as a Docker Swarm, a release, a broken one, the loss of a server, and back to one. With
 * --long, runs are cut off on the way, and all the faults happen.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Task } from '../../scripts/lib/swarm/view.mts'
import { get } from '../lib/get.mts'
import { LONG, testLong } from '../lib/long.mts'
import { until } from '../lib/until.mts'
import { Hosts, LEFT } from './hosts.mts'
import { FAULTS, hitsAt } from './swarm-faults.mts'
import { OUTSIDE } from './swarm-outside.mts'

/** A line for each replica of Swarm that runs and is ready. */
const REPLICAS = 'docker ps -q --filter label=com.docker.swarm.service.name=prusa_app --filter health=healthy'

let hosts: Hosts

before(async () => {
  hosts = await Hosts.start(LONG ? {} : { rollout: { surge: 'all' } })
})
after(() => hosts?.remove())

/** The hosts of the replicas. */
const placed = (tasks: Task[]) =>
  tasks
    .filter(({ wanted, state }) => wanted && state === 'running')
    .map(({ on }) => on)
    .toSorted()
const bodies = () => Promise.all(hosts.sites.map(async (site) => (await get(site, '/')).body))
const all = <T,>(one: T): T[] => hosts.names.map(() => one)

/** Kills a deploy for so many servers at each of the words that it says, while a client asks the first one. */
async function cutOff(number: number, ...words: string[]): Promise<void> {
  hosts.use(number)
  const work = async () => {
    for (const word of words) await hosts.killed(word, 'deploy')
  }
  assert.deepEqual(await hosts.watched(work, hosts.sites.slice(0, 1)), [])
}

/** Hits in Redis. */
let hits = 0

test('one server serves', async () => {
  hosts.use(1)
  await hosts.must('deploy', '--yes')
  hits = await hitsAt(hosts)
})

testLong('the way to three servers is cut off twice, and the site goes on at its address', () =>
  cutOff(3, 'Balancer', 'app.1 on'),
)

test('one server becomes three, while the site goes on at its address', async () => {
  hosts.use(3)
  let text = ''
  const deploy = async () => {
    text = await hosts.must('deploy')
  }
  assert.deepEqual(await hosts.watched(deploy, hosts.sites.slice(0, 1)), [])
  assert.ok((await hitsAt(hosts)) > hits)
  for (const name of hosts.names) assert.match(text, new RegExp(`^${name} {2}✓ Docker Engine`, 'm'))
  assert.doesNotMatch(text, /SWMTKN/)
  assert.deepEqual(await bodies(), all('Hello, world!'))
  const { members, tasks } = await hosts.status()
  assert.deepEqual(
    members.map(({ name, up, role }) => [name, up, role === 'worker']).toSorted(),
    hosts.names.map((name) => [name, true, false]),
  )
  assert.deepEqual(placed(tasks), hosts.names)
  // Those of one host are gone.
  assert.equal((await hosts.servers[0]?.exec('docker ps -aq --filter name=^/prusa-app-'))?.stdout, '')
})

test('a release under load passes unnoticed', async () => {
  hosts.edit('Hello, world!', 'Hello again!')
  const failed = await hosts.watched(async () => {
    const text = await hosts.must('redeploy')
    assert.match(text, /\d requests, 0 failed/)
    // Only the layers that are new.
    const megabytes = [...text.matchAll(/prusa\/app:\w+ to \S+ \(([\d.]+) MB\)/g)].map(([, size]) => size)
    assert.ok(megabytes.length === 2 && megabytes.every((size) => Number(size) < 1), text)
  })
  assert.deepEqual(failed, [])
  assert.deepEqual(await bodies(), all('Hello again!'))
})

test('a broken release goes back, unnoticed', async () => {
  hosts.configure({ app: { environment: { WARMUP_SECONDS: 'broken on purpose' } } })
  const failed = await hosts.watched(async () => {
    const { exitCode, text } = await hosts.run('redeploy')
    assert.equal(exitCode, 1, text)
    assert.match(text, /was not rolled out: app\.\d on root@\S+ crashes/)
    assert.match(text, /broken on purpose/)
    assert.match(text, /State: release \w+ serves as before\./)
  })
  assert.deepEqual(failed, [])
  hosts.configure()
  assert.deepEqual(await bodies(), all('Hello again!'))
})

test('a lost server costs the requests in it, and its replicas run elsewhere', async () => {
  const [first, second, lost] = hosts.servers
  const [, , name] = hosts.names
  // Not by status: with a host that is down it takes seconds.
  const replicas = async (server = first) => (await server?.exec(REPLICAS))?.stdout.match(/\n/g)?.length ?? 0
  const failed = await hosts.watched(async () => {
    await lost?.lose()
    await until('three replicas run on the others', async () => {
      return (await replicas(first)) + (await replicas(second)) === 3
    })
  })
  assert.deepEqual(
    failed.filter(({ address }) => !name?.endsWith(address)),
    [],
  )
  const { exitCode, text } = await hosts.run('status')
  assert.equal(exitCode, 1, text)
  assert.match(text, new RegExp(`✗ ${name} is down; its replicas run elsewhere`))
  assert.doesNotMatch(text, /of 3 replicas run/)
})

test('it takes part again when it is back, and no request fails meanwhile', async () => {
  const [, , lost] = hosts.servers
  const failed = await hosts.watched(async () => {
    await lost?.comeBack()
    await until('all is well', async () => (await hosts.run('status')).exitCode === 0)
  })
  assert.deepEqual(failed, [])
  const [, , site] = hosts.sites
  assert.equal(site && (await get(site, '/')).status, 200)
})

test('a host whose balancer finds no replica refuses clients, and status says so', async () => {
  const [, , refusing] = hosts.servers
  const [, , name] = hosts.names
  await refusing?.exec('docker stop prusa-balancer-1; docker restart prusa-lb-1')
  const { exitCode, text } = await hosts.run('status')
  assert.equal(exitCode, 1, text)
  assert.match(text, new RegExp(`✗ ${name} refuses clients: nginx waits there until its balancer`))
  await refusing?.exec('docker start prusa-balancer-1')
  await until('all is well', async () => (await hosts.run('status')).exitCode === 0)
})

testLong('a host is drained and activated, unnoticed, and the replicas are spread again', async () => {
  const [, name = ''] = hosts.names
  const failed = await hosts.watched(async () => {
    await hosts.must('hosts', 'drain', name)
    assert.ok((await hosts.status()).tasks.every(({ on, state }) => on !== name || state !== 'running'))
    await hosts.must('hosts', 'activate', name)
    const [, site] = hosts.sites
    assert.equal(site && (await get(site, '/')).status, 200)
  })
  assert.deepEqual(failed, [])
  assert.deepEqual(placed((await hosts.status()).tasks), hosts.names)
})

for (const [what, work] of Object.entries({ ...FAULTS, ...OUTSIDE })) testLong(what, () => work(hosts))

testLong('the way back to one server is cut off twice, and the site goes on at its address', () =>
  cutOff(1, 'Replicas: 3 replicas', 'Host: '),
)

test('three servers become one, while the site goes on at its address', async () => {
  hosts.use(1)
  const [site] = hosts.sites
  assert.ok(site)
  assert.deepEqual(await hosts.watched(() => hosts.must('deploy'), [site]), [])
  assert.equal((await get(site, '/')).body, 'Hello again!')
  const [first, ...rest] = hosts.servers
  assert.equal((await first?.exec('docker info -f "{{.Swarm.LocalNodeState}}"'))?.stdout, 'inactive\n')
  for (const { exec } of rest) assert.equal((await exec(LEFT)).stdout, '')
})

testLong('deploy has nothing to do then', async () => {
  assert.match(await hosts.must('deploy'), /^Release \w+ is already running: nothing to do\.$/m)
})

testLong('destroy leaves nothing', async () => {
  await hosts.must('destroy', '--yes', '--data', '--no-backup')
  for (const { exec } of hosts.servers) assert.equal((await exec(LEFT)).stdout, '')
})
