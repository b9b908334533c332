/** The commands of every day on several hosts: they do and say the same as on one, and go on without a host that is lost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import process from 'node:process'
import { before, describe, test } from 'node:test'
import { type Answer, get } from '../lib/get.mts'
import { until } from '../lib/until.mts'
import { type Hosts, LEFT } from './hosts.mts'

export function commands(three: () => Hosts): void {
  let hosts: Hosts
  let [a, b, c] = ['', '', '']
  before(() => {
    hosts = three()
    ;[a, b, c] = hosts.names as [string, string, string]
  })

  const everywhere = (page: string, headers = {}): Promise<Answer[]> =>
    Promise.all(hosts.sites.map((site) => get(site, page, headers)))
  const statuses = async (page: string, headers = {}) =>
    (await everywhere(page, headers)).map(({ status }) => status)
  const inFirst = async (script: string) => (await hosts.servers[0]?.exec(script))?.stdout ?? ''
  const unnoticed = async (work: () => Promise<unknown>) => assert.deepEqual(await hosts.watched(work), [])

  test('logs: the lines of all hosts in the order of time, or those of one; until Ctrl-C with --follow', async () => {
    await everywhere('/palindrom/abba')
    const text = await hosts.must('logs', 'app', 'lb', '--grep', 'abba')
    for (const name of hosts.names) assert.match(text, new RegExp(`^\\S+ \\S+ ${name} lb +200 GET `, 'm'))
    assert.match(text, /^\S+ \S+ root@\S+ app\.\d /m)
    const times = [...text.matchAll(/^\S+ \S+/gm)].map(String)
    assert.deepEqual(times, times.toSorted())
    const own = (await hosts.run('logs', b, 'lb', '--json')).stdout.trim().split('\n')
    assert.deepEqual([...new Set(own.map((line) => JSON.parse(line).server))], [b])
    const running = hosts.begin('logs', 'lb', '--follow', '--grep', 'level')
    let heard = ''
    running.stdout.on('data', (data) => {
      heard += data
    })
    await until('it follows two hosts', async () => {
      await everywhere('/palindrom/level')
      return heard.includes(b) && heard.includes(c)
    })
    process.kill(-(running.pid as number), 'SIGINT')
    assert.equal((await running).exitCode, 130)
    assert.match(await hosts.must('logs', 'app.9', '--follow'), /No line in the logs of app\.9/)
  })

  test('shell and run: in a replica on another host, in a service of a host, beside the data', async () => {
    const task = (await hosts.status()).tasks.find(({ on, wanted }) => on === c && wanted)
    assert.ok(task)
    const hostname = async (...words: string[]) =>
      (await hosts.fed('hostname', 'shell', ...words)).stdout.trim()
    assert.ok(task.container.startsWith(await hostname(task.name)))
    assert.notEqual(await hostname('lb', b), await hostname('lb', c))
    assert.equal((await hosts.fed('redis-cli ping', 'shell', 'redis')).stdout, 'PONG\n')
    assert.match(
      (await hosts.run('shell', 'app.9')).text,
      /app\.9 does not run on .* The running replicas: app\.1, /,
    )
    const ran = await hosts.run(
      'run',
      'python',
      '-c',
      'import socket; socket.gethostbyname("redis"); raise SystemExit(9)',
    )
    assert.equal(ran.exitCode, 9, ran.text)
  })

  test('dashboard: one page with all hosts, who runs where, and the requests of all', async () => {
    const running = hosts.begin('dashboard', '--json')
    const [line] = await once(running.stdout, 'data')
    const { url } = JSON.parse(String(line))
    const leaving = new AbortController()
    const events = await fetch(`${url}events`, { signal: leaving.signal })
    let seen = ''
    const reading = (async () => {
      for await (const piece of events.body ?? []) seen += Buffer.from(piece)
    })().catch(() => {})
    await until(
      'it shows all',
      () => hosts.names.every((name) => seen.includes(`<td>${name}</td>`)) && /app\.3<\/th>/.test(seen),
    )
    leaving.abort()
    await reading
    process.kill(-(running.pid as number), 'SIGINT')
    await running.nothrow()
  })

  test('maintenance: users get the page at every address; a host that differs is named', async () => {
    assert.match(await hosts.must('maintenance', 'on'), /^Maintenance is on since [^\n]*\n$/)
    assert.deepEqual(await statuses('/'), [503, 503, 503])
    await hosts.servers[2]?.exec('rm /opt/prusa/nginx/maintenance/on')
    assert.ok((await hosts.run('status')).text.includes(`✗ Maintenance is on at ${a} and ${b}, by`))
    assert.match(
      await hosts.must('maintenance'),
      new RegExp(`${b}: Maintenance is on .*\\n${c}: Maintenance is off\\.\\nNext:`),
    )
    assert.equal(await hosts.must('maintenance', 'off'), 'Maintenance is off.\n')
    assert.deepEqual(await statuses('/'), [200, 200, 200])
  })

  test('restart: all replicas, one of them, the load balancers, and no request fails', async () => {
    const ids = async () => (await hosts.status()).tasks.filter(({ wanted }) => wanted).map(({ id }) => id)
    const [first, ...others] = await ids()
    await unnoticed(async () => {
      assert.match(await hosts.must('restart', 'app.1'), /✓ app\.1: another one serves/)
      const now = await ids()
      assert.ok(!now.includes(first ?? '') && others.every((id) => now.includes(id)))
      assert.match(await hosts.must('restart', 'lb'), new RegExp(`${a} {2}✓ lb[\\s\\S]*${c} {2}✓ lb`))
      assert.match(await hosts.must('restart'), /\d requests, 0 failed/)
      assert.ok((await ids()).every((id) => !now.includes(id)))
    })
  })

  test('secrets rotate: every host knows the new passwords, and no request fails', async () => {
    const authorization = async () => {
      const password = (await inFirst('cat /opt/prusa/secrets/admin_password')).trim()
      return { Authorization: `Basic ${Buffer.from(`developer:${password}`).toString('base64')}` }
    }
    const old = await authorization()
    await unnoticed(async () => {
      await hosts.must('secrets', 'rotate', 'admin_password')
      await hosts.must('secrets', 'rotate', 'db_owner_password')
    })
    assert.deepEqual(await statuses('/admin', old), [401, 401, 401])
    assert.deepEqual(await statuses('/admin', await authorization()), [200, 200, 200])
    const digests = await Promise.all(
      hosts.servers.map(({ exec }) => exec('cat /opt/prusa/secrets/* | sha256sum')),
    )
    assert.equal(new Set(digests.map(({ stdout }) => stdout)).size, 1)
    assert.deepEqual(await statuses('/palindrom/kayak'), [200, 200, 200])
  })

  test('restore: the data of the backup, seen by the replicas of all hosts', async () => {
    const rows = async () => (await hosts.run('psql', '-c', 'SELECT count(*) FROM palindromes')).stdout
    const before = await rows()
    const file =
      (await hosts.must('backup'))
        .match(/\S+\.age/)?.[0]
        ?.split('/')
        .at(-1) ?? ''
    await everywhere('/palindrom/racecar')
    assert.notEqual(await rows(), before)
    assert.match(await hosts.must('restore', file), /while prusa\/app:\w+ ran/)
    assert.equal(await rows(), before)
    await until('all replicas reach the database', async () =>
      (await Promise.all(Array.from({ length: 9 }, () => statuses('/palindrom/rotor'))))
        .flat()
        .every((one) => one === 200),
    )
    const live = `docker exec prusa-db-1 psql -U postgres -At -c "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'prusa_before%'"`
    assert.equal((await inFirst(live)).trim(), '0')
  })

  describe('a rollout', () => {
    test('is told beforehand in words', async () => {
      assert.match(await hosts.must('redeploy', '--dry-run'), /already running: nothing to do/)
      assert.match(await hosts.must('redeploy', '--dry-run', '--force'), /let Swarm put 3 replicas of \w+ on/)
    })

    test('may stop replicas first, if they may drain for 60 s at most', async () => {
      hosts.configure({ rollout: { order: 'stop-first', drain_timeout: 90 } })
      const { exitCode, text } = await hosts.run('redeploy', '--force')
      assert.equal(exitCode, 1, text)
      assert.match(
        text,
        /stop-first, rollout\.drain_timeout may be 60 s at most[\s\S]*State: nothing was contacted/,
      )
      hosts.configure({ rollout: { order: 'stop-first' } })
      let most = 0
      const running = `docker service ps prusa_app --format '{{.CurrentState}}' | grep -c ^Running`
      await unnoticed(async () => {
        const rollout = hosts.must('redeploy', '--force')
        let under = true
        rollout.finally(() => (under = false))
        while (under) most = Math.max(most, Number(await inFirst(running)))
        await rollout
      })
      assert.equal(most, 3)
      hosts.configure()
    })
  })

  test('with one host in the configuration, nothing but deploy touches several', async (context) => {
    context.after(() => hosts.use(3))
    hosts.use(1)
    for (const words of [
      ['status'],
      ['maintenance', 'on'],
      ['run', 'true'],
      ['redeploy', '--dry-run'],
      ['verify'],
    ]) {
      const [script = '', ...more] = words
      const { exitCode, text } = await hosts.run(script, ...more)
      assert.equal(exitCode, 1, text)
      assert.match(text, new RegExp(`✗ ${a} is one of several hosts, and[\\s\\S]*Next: {2}List all of them`))
    }
    const { exitCode, text } = await hosts.run('destroy', '--yes', '--host', b)
    assert.equal(exitCode, 1, text)
    assert.match(text, new RegExp(`✗ ${b} serves together with (${a} and ${c}|${c} and ${a})`))
  })

  test('without one of the hosts: each says so in a line, and works with the others', async () => {
    await hosts.servers[2]?.lose()
    const lost = new RegExp(`^! ${c} cannot be reached: .*\\. This run works without it\\.$`, 'm')
    for (const words of [
      ['logs', 'lb'],
      ['maintenance', 'on'],
      ['maintenance', 'off'],
      ['restart', 'lb'],
      ['secrets', 'rotate', 'admin_password'],
    ]) {
      const [script = '', ...more] = words
      assert.match(await hosts.must(script, ...more), lost)
    }
    assert.match((await hosts.run('shell', 'lb', c)).text, new RegExp(`✗ ${c} does not answer`))
    assert.match(await hosts.must('04-stack'), new RegExp(`^! ${c} is down\\. It takes no part`, 'm'))
    await hosts.servers[2]?.comeBack()
    await until('all is well', async () => (await hosts.run('status')).exitCode === 0)
  })

  test('without the data: what needs them says so, and changes nothing', async () => {
    await hosts.servers[0]?.lose()
    assert.match(await hosts.must('logs', 'lb'), new RegExp(`${a} cannot be reached`))
    for (const words of [
      ['run', 'true'],
      ['restore', 'x'],
      ['secrets', 'rotate', 'admin_password'],
      ['backup'],
    ]) {
      const [script = '', ...more] = words
      const { exitCode, text } = await hosts.run(script, ...more)
      assert.equal(exitCode, 1, text)
      assert.match(
        text,
        new RegExp(
          `needs ${a}, which holds the database[\\s\\S]*State: nothing was changed[\\s\\S]*Next: {2}Bring ${a} back`,
        ),
      )
    }
    assert.match(
      (await hosts.run('restart', 'db')).text,
      new RegExp(`db runs on ${a}, which does not answer`),
    )
    await hosts.servers[0]?.comeBack()
    await until('all is well', async () => (await hosts.run('status')).exitCode === 0)
  })

  test('a host that is not listed any more goes by deploy, unnoticed; listed again, it joins', async () => {
    const roles = async () =>
      (await hosts.status()).members.map(({ name, role }) => [name, role === 'worker'])
    hosts.use(2)
    await unnoticed(() => hosts.must('deploy'))
    assert.deepEqual((await roles()).toSorted(), [
      [a, false],
      [b, true],
    ])
    assert.equal((await hosts.servers[2]?.exec(LEFT))?.stdout, '')
    hosts.use(3)
    await unnoticed(() => hosts.must('deploy'))
    assert.deepEqual(
      (await roles()).toSorted(),
      [a, b, c].map((name) => [name, false]),
    )
  })

  test('destroy goes on without a host that is lost; back again, it goes by the command that was told', async () => {
    const flags = ['--yes', '--data', '--no-backup']
    await hosts.servers[2]?.lose()
    assert.match(
      await hosts.must('destroy', ...flags),
      new RegExp(`${c}: .* When it is back: npm run destroy -- --host ${c} --data --no-backup`),
    )
    await hosts.servers[2]?.comeBack()
    await hosts.must('destroy', '--host', c, ...flags)
    for (const { exec } of hosts.servers) assert.equal((await exec(LEFT)).stdout, '')
  })
}
