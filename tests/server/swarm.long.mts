/**
 * One road: one server becomes three as a Docker Swarm, a release, a broken one, the loss of a server, and back to one. It
 * keeps both cores busy for minutes.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Task } from '../../scripts/lib/swarm/view.mts'
import { get } from '../lib/get.mts'
import { until } from '../lib/until.mts'
import { Hosts, LEFT } from './hosts.mts'
import { FAULTS } from './swarm-faults.mts'
import { OUTSIDE } from './swarm-outside.mts'

let hosts: Hosts

before(async () => {
  hosts = await Hosts.start()
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

test('one server becomes three, also when that is interrupted, while the site goes on at its address', async () => {
  hosts.use(1)
  await hosts.must('deploy', '--yes')
  const [site] = hosts.sites
  assert.ok(site)
  const hits = async () => Number(/\d+/.exec((await get(site, '/redis-hits')).body))
  const earlier = await hits()
  hosts.use(3)
  let text = ''
  const failed = await hosts.watched(async () => {
    await hosts.killed('Balancer', 'deploy')
    await hosts.killed('app.1 on', 'deploy')
    text = await hosts.must('deploy')
  }, [site])
  assert.deepEqual(failed, [])
  assert.ok((await hits()) > earlier)
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

test('two operators cannot both change it, even if they reach different managers', async () => {
  const [, , other] = hosts.servers
  const holding = other?.exec(
    'cd /opt/prusa; echo "somebody since now for a trial" >lock.holder; flock lock sleep 30',
  )
  await until(
    'it holds the lock',
    async () => (await other?.exec('flock -n /opt/prusa/lock true'))?.exitCode === 1,
  )
  const { exitCode, text } = await hosts.run('redeploy')
  assert.equal(exitCode, 1, text)
  assert.match(text, /Another run is under way: somebody since now for a trial/)
  await other?.exec('pkill -f "sleep 30"')
  await holding
})

test('a release under load passes unnoticed', async () => {
  hosts.edit('Hello, world!', 'Hello again!')
  const failed = await hosts.watched(async () => {
    assert.match(await hosts.must('redeploy'), /\d requests, 0 failed/)
  })
  assert.deepEqual(failed, [])
  assert.deepEqual(await bodies(), all('Hello again!'))
})

test('a broken release goes back, unnoticed', async () => {
  hosts.edit('import sys', 'raise SystemExit("broken on purpose")\nimport sys')
  const failed = await hosts.watched(async () => {
    const { exitCode, text } = await hosts.run('redeploy')
    assert.equal(exitCode, 1, text)
    assert.match(text, /was not rolled out: app\.\d on root@\S+ crashes/)
    assert.match(text, /broken on purpose/)
    assert.match(text, /State: release \w+ serves as before\./)
  })
  assert.deepEqual(failed, [])
  hosts.edit('raise SystemExit("broken on purpose")\n', '')
  assert.deepEqual(await bodies(), all('Hello again!'))
})

test('a lost server costs the requests in it, and its replicas run elsewhere', async () => {
  const [, , lost] = hosts.servers
  const [, , name] = hosts.names
  const failed = await hosts.watched(async () => {
    await lost?.lose()
    await until('three replicas run on the others', async () => {
      const { tasks } = await hosts.status()
      return (
        tasks.filter(({ on, wanted, state }) => on !== name && wanted && state === 'running').length === 3
      )
    })
  })
  assert.deepEqual(
    failed.filter(({ address }) => !name?.endsWith(address)),
    [],
  )
  const { exitCode, text } = await hosts.run('status')
  assert.equal(exitCode, 1, text)
  assert.match(text, new RegExp(`✗ ${name} is down; its replicas run elsewhere`))
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

test('a host is drained and activated, unnoticed, and the replicas are spread again', async () => {
  const [, name = ''] = hosts.names
  const failed = await hosts.watched(async () => {
    await hosts.must('hosts', 'drain', name)
    assert.ok((await hosts.status()).tasks.every(({ on, state }) => on !== name || state !== 'running'))
    await hosts.must('hosts', 'activate', name)
  })
  assert.deepEqual(failed, [])
  assert.deepEqual(placed((await hosts.status()).tasks), hosts.names)
})

for (const [what, work] of Object.entries({ ...FAULTS, ...OUTSIDE })) test(what, () => work(hosts))

test('three servers become one, also when that is interrupted, while the site goes on at its address', async () => {
  hosts.use(1)
  const [site] = hosts.sites
  assert.ok(site)
  const failed = await hosts.watched(async () => {
    await hosts.killed('Replicas: 3 replicas', 'deploy')
    await hosts.killed('Host: ', 'deploy')
    await hosts.must('deploy')
    assert.match(await hosts.must('deploy'), /^Release \w+ is already running: nothing to do\.$/m)
  }, [site])
  assert.deepEqual(failed, [])
  assert.equal((await get(site, '/')).body, 'Hello again!')
  const [first, ...rest] = hosts.servers
  assert.equal((await first?.exec('docker info -f "{{.Swarm.LocalNodeState}}"'))?.stdout, 'inactive\n')
  for (const { exec } of rest) assert.equal((await exec(LEFT)).stdout, '')
})

test('destroy leaves nothing', async () => {
  await hosts.must('destroy', '--yes', '--data', '--no-backup')
  for (const { exec } of hosts.servers) assert.equal((await exec(LEFT)).stdout, '')
})
