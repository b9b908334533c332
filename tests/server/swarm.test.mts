/**
 * Three servers on one network as a Docker Swarm: from bare to HTTPS, a release, a broken one, and the loss of a server. They
 * keep both cores busy for minutes: `npm run test:long`.
 */
import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { get } from '../lib/get.mts'
import { until } from '../lib/until.mts'
import { Hosts } from './hosts.mts'

if (process.env.LONG) {
  let hosts: Hosts

  before(async () => {
    hosts = await Hosts.start()
  })
  after(() => hosts?.remove())

  const bodies = () => Promise.all(hosts.sites.map(async (site) => (await get(site, '/')).body))
  const all = <T,>(one: T): T[] => hosts.names.map(() => one)

  test('one command makes three servers a site that answers at every address', async () => {
    const text = await hosts.must('deploy')
    for (const name of hosts.names) assert.match(text, new RegExp(`^${name} {2}✓ Docker Engine`, 'm'))
    assert.doesNotMatch(text, /SWMTKN/)
    assert.deepEqual(await bodies(), all('Hello, world!'))
    const { members, tasks } = await hosts.status()
    assert.deepEqual(
      members.map(({ name, up, role }) => [name, up, role === 'worker']).toSorted(),
      hosts.names.map((name) => [name, true, false]),
    )
    // Each host has one of three replicas.
    assert.deepEqual(tasks.map(({ on }) => on).toSorted(), hosts.names)
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

  test('a host is drained and activated, unnoticed', async () => {
    const [, name = ''] = hosts.names
    const failed = await hosts.watched(async () => {
      await hosts.must('hosts', 'drain', name)
      assert.ok((await hosts.status()).tasks.every(({ on, state }) => on !== name || state !== 'running'))
      await hosts.must('hosts', 'activate', name)
    })
    assert.deepEqual(failed, [])
  })

  test('what is not made for several hosts says so before it touches anything', async () => {
    for (const words of [
      ['logs'],
      ['restore', 'x'],
      ['restart'],
      ['secrets', 'rotate', 'admin_password'],
    ] as const) {
      const [script, ...more] = words
      const { exitCode, text } = await hosts.run(script, ...more)
      assert.equal(exitCode, 1, text)
      assert.match(text, /works with one host so far\n {2}State: nothing was changed\.\n {2}Next: {2}\S/)
    }
  })

  test('destroy takes it down on all hosts', async () => {
    await hosts.must('destroy', '--yes', '--data', '--no-backup')
    for (const { exec } of hosts.servers) {
      const { stdout } = await exec(`
  docker ps -aq; docker volume ls -q; docker network ls --format '{{.Name}}' | grep prusa
  ls -A /opt/prusa /etc/systemd/system | grep prusa; docker images | grep prusa/`)
      assert.equal(stdout, '')
    }
  })
}
