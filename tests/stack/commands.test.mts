/** What people type day by day, on one deployment: its ordinary use, its wrong use, and while something is broken. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { Deployment, docker } from '../lib/deployment.mts'
import { as } from '../lib/sql.mts'
import { onTerminal } from '../lib/terminal.mts'
import { until } from '../lib/until.mts'

let site: Deployment
before(async () => {
  site = await Deployment.prepare()
})
after(() => site?.remove())

/** A command with something on its standard input. */
async function fed(input: string, script: string, ...flags: string[]) {
  const running = site.begin(script, ...flags)
  running.stdin.end(input)
  const { exitCode, stdout, stderr } = await running
  return { exitCode, stdout, stderr }
}

const argv = (script: string, ...flags: string[]) => [
  ...site.zx,
  `scripts/${script}.mts`,
  '--config',
  path.join(site.home, 'config'),
  ...flags,
]

async function inspect(container: string, format: string): Promise<string> {
  return (await docker`docker inspect -f ${format} ${container}`).stdout.trim()
}
const startedAt = (service: string) => inspect(`${site.project}-${service}-1`, '{{.State.StartedAt}}')

test('while nothing is deployed each says so, and leaves nothing', async () => {
  for (const [script, words, code, said] of [
    ['logs', [], 0, /No service has logged anything .* Next: npm run deploy/],
    ['logs', ['--follow'], 0, /No service has logged anything .* Next: npm run deploy/],
    ['logs', ['lb'], 0, /There is no line of lb on this machine\. Next: npm run status/],
    ['shell', [], 1, /No replica of \w+ runs on this machine\n {2}State: .*\n {2}Next: {2}npm run deploy/],
    ['psql', [], 1, /no container \w+-db-1 on this machine\n {2}State: .*\n {2}Next: {2}npm run deploy/],
    ['run', ['true'], 1, /No replica of \w+ runs/],
    ['restart', [], 1, /No replica of \w+ runs/],
    ['restart', ['redis'], 1, /There is no container \w+-redis-1/],
    ['maintenance', ['on'], 1, /There is no container \w+-lb-1/],
    ['maintenance', [], 0, /Maintenance is off\./],
    ['status', [], 0, /No replica on this machine\. Next: npm run deploy/],
    ['destroy', ['--yes'], 0, /nothing to do/],
    ['destroy', ['--yes', '--data', '--no-backup'], 0, /nothing to do/],
  ] as [string, string[], number, RegExp][]) {
    const { exitCode, text } = await site.run(script, ...words)
    assert.deepEqual([exitCode, said.test(text)], [code, true], `${script} ${words}: ${text}`)
  }
  assert.equal(existsSync(site.folder), false)
})

describe('on a deployment', () => {
  before(async () => {
    await Deployment.start({}, site)
  })

  test('logs: requests as one line each, without the balancer’s questions; one service, a word, as JSON', async () => {
    const [release = ''] = await site.releases()
    await site.get('/palindrom/abba?x=1')
    await until('the request is in the logs', async () => {
      const line = `200 GET /palindrom/abba\\?x=1 \\d+\\.\\d+ s ${site.project}-app-\\d ${release}`
      return new RegExp(`\\d\\d:\\d\\d:\\d\\d\\.\\d{3} lb +${line}`).test(await site.must('logs'))
    })
    const all = await site.must('logs')
    for (const service of ['app-1', 'app-2', 'balancer', 'db', 'redis', 'lb'])
      assert.match(all, new RegExp(`^\\S+ \\S+ ${service} `, 'm'))
    assert.doesNotMatch(all, /GET \/status/)
    assert.deepEqual(
      [...all.matchAll(/^\S+ \S+/gm)].map(String).sort(),
      [...all.matchAll(/^\S+ \S+/gm)].map(String),
    )
    const found = await site.must('logs', 'app', '--grep', 'get /palindrom/abba', '--since', '5m')
    assert.match(found, /^\S+ \S+ app-\d .*GET \/palindrom\/abba 200/)
    assert.equal(found.trim().split('\n').length, 1)
    const [line = ''] = (await site.must('logs', 'lb', '--grep', 'abba', '--json')).split('\n')
    assert.deepEqual([JSON.parse(line).status, JSON.parse(line).container], [200, 'lb'])
  })

  test('logs --follow goes on until Ctrl-C, with replicas that come', async () => {
    const running = site.begin('logs', 'app', 'lb', '--follow')
    let text = ''
    running.stdout.on('data', (data) => {
      text += data
    })
    await until('it follows', async () => {
      await site.get('/palindrom/level')
      return /GET \/palindrom\/level 200[\s\S]*200 GET \/palindrom\/level/.test(text)
    })
    const [replica = ''] = await site.containers('app')
    await docker`docker restart ${replica}`
    await until('it tells of the restart, and of the new lines', () =>
      /ended with exit code[\s\S]*— started[\s\S]*listening on/.test(text),
    )
    process.kill(-(running.pid as number), 'SIGINT')
    assert.equal((await running).exitCode, 130)
    assert.doesNotMatch(text, /Interrupted|GET \/status/)
    await until('nobody follows on the server any more', async () => {
      const { stdout } = await docker({ nothrow: true })`pgrep -f ${`[d]ocker logs .*${site.project}`}`
      return stdout.trim() === ''
    })
  })

  test('shell: for the commands on standard input, and on a terminal; its exit code is passed on', async () => {
    const piped = await fed('echo from $(hostname); exit 7', 'shell')
    assert.match(piped.stdout, /^from [0-9a-f]{12}\n$/)
    assert.equal(piped.exitCode, 7)
    assert.equal((await fed('redis-cli ping\n', 'shell', 'redis')).stdout, 'PONG\n')
    const { exitCode, text } = await onTerminal(argv('shell', 'app-2'), [[/[$#] /, 'tty; exit 5']])
    assert.match(text, /\/dev\/pts\//)
    assert.equal(exitCode, 5)
    assert.equal((await site.run('shell', 'app-99')).exitCode, 1)
  })

  test('psql: each role may what it may; statements by -c, by a pipe, and on a terminal', async () => {
    const query = 'SELECT current_user, count(*) FROM public.palindromes'
    for (const [flags, user] of [
      [[], 'developer'],
      [['--as', 'owner'], 'app'],
      [['--as', 'admin'], 'postgres'],
    ] as [string[], string][])
      assert.match(
        (await site.run('psql', ...flags, '-c', query)).stdout,
        new RegExp(`\\n ${user} +\\| +\\d+\\n`),
      )
    const refused = await fed('DELETE FROM palindromes;\nSELECT 1;\n', 'psql')
    assert.match(refused.stderr, /cannot execute DELETE in a read-only transaction/)
    assert.equal(refused.exitCode, 3)
    assert.equal(refused.stdout, '')
    const { exitCode, text } = await onTerminal(argv('psql'), [
      [/prusa=> /, 'SELECT 40 + 2;'],
      [/42[\s\S]*prusa=> /, '\\q'],
    ])
    assert.equal(exitCode, 0, text)
    for (const name of ['db_owner_password', 'db_developer_password'])
      assert.ok(!text.includes(site.secret(name)))
  })

  test('run: the serving release’s image, environment and networks; removed afterwards; its exit code', async () => {
    const program =
      'import os, socket; print(os.environ["DATABASE_URI"][:13], socket.gethostbyname("redis") > "", end="")'
    const ran = await site.run('run', 'python', '-c', `${program}; raise SystemExit(9)`)
    assert.deepEqual([ran.exitCode, ran.stdout], [9, 'postgresql+ps True'])
    assert.equal((await fed('abc', 'run', 'cat')).stdout, 'abc')
    const { exitCode, text } = await onTerminal(argv('run', 'sh'), [[/[$#] /, 'tty; exit 5']])
    assert.deepEqual([exitCode, /\/dev\/pts\//.test(text)], [5, true], text)
    assert.deepEqual(await oneOffs(), [])
    assert.equal((await site.run('run')).exitCode, 2)
  })

  test('restart: replicas by the loop, while somebody is in a one-off container; unnoticed', async () => {
    const inside = site.begin('run', 'sh', '-c', 'echo here; cat')
    await site.printed(inside, /here/)
    const old = await site.containers('app')
    const text = await site.unnoticed(() => site.must('restart'))
    assert.match(text, /Fresh replicas replace \S+app-1, \S+app-2, one by one/)
    const fresh = await site.containers('app')
    assert.equal(fresh.filter((name) => old.includes(name)).length, 0)
    assert.equal((await oneOffs()).length, 1)
    inside.stdin.end()
    const ended = await inside
    assert.equal(ended.exitCode, 0, ended.stdall)
    const [first = '', second] = fresh
    await site.unnoticed(() => site.must('restart', first.slice(site.project.length + 1)))
    const now = await site.containers('app')
    assert.deepEqual([now.includes(first), now.includes(second ?? '')], [false, true])
  })

  test('logs of replicas that were removed: their last lines, ten of them', async () => {
    const text = await site.must('logs', 'app-1')
    assert.match(text, /app-1 .*GET \/ 200[\s\S]*app-1 .*— removed: a replica of release \w+\n/)
    assert.doesNotMatch(text, /GET \/status/)
  })

  test('restart: fresh workers of the load balancer and the balancer; the others say what is noticed', async () => {
    for (const service of ['lb', 'balancer']) {
      const before = await startedAt(service)
      const seen = await site.underLoad(async () => {
        assert.match(
          await site.must('restart', service),
          /fresh workers \(\d+ requests meanwhile, \d+ failed/,
        )
      })
      assert.deepEqual(seen.failed, [])
      assert.equal(await startedAt(service), before)
    }
    const before = await startedAt('redis')
    const text = await site.must('restart', 'redis')
    assert.match(text, /redis-1 is started again: for some seconds requests that need Redis wait or fail/)
    assert.match(text, /redis: started again \(\d+ requests meanwhile/)
    assert.notEqual(await startedAt('redis'), before)
    assert.equal((await site.get('/redis-hits')).status, 200)
  })

  test('what is stopped by hand is red in status, and the command that it names helps; --errors tells', async () => {
    assert.equal((await site.run('status')).exitCode, 0)
    const [replica = ''] = await site.containers('app')
    for (const [container, says] of [
      [`${site.project}-redis-1`, /npm run restart -- redis/],
      [replica, /npm run restart -- app-\d+/],
    ] as [string, RegExp][]) {
      await docker`docker stop ${container}`
      if (container.includes('redis')) assert.equal((await site.get('/redis-hits')).status, 503)
      const { exitCode, text } = await site.run('status')
      assert.equal(exitCode, 1)
      assert.match(text.split('\n')[0] ?? '', new RegExp(`✗ ${container} was stopped by hand`))
      const [command = ''] = says.exec(text) ?? []
      assert.ok(command, text)
      await site.must('restart', command.split(' ').at(-1) as string)
      const helped = await site.run('status')
      assert.equal(helped.exitCode, 0, helped.text)
      assert.doesNotMatch(helped.text, /✗/)
    }
    const errors = await site.must('logs', '--errors', '--since', '10m')
    assert.match(errors, /lb +503 GET \/redis-hits/)
    assert.doesNotMatch(errors, / 200 /)
  })

  test('status: one screen of all that runs, and as JSON', async () => {
    await site.get('/')
    const { stdout } = await site.run('status')
    const [release = ''] = await site.releases()
    assert.match(stdout, new RegExp(`release ${release}, since .* UTC by \\w+`))
    assert.match(stdout, /last rollout .* released in .*requests, 0 failed/)
    assert.match(stdout, /-app-\d+ +\w+ +up .* \d+ MB +\d+ % +yes, \d+ under way +yes/)
    assert.match(stdout, /lb +up .* requests\/s, .* p50 \d+ ms, p99 \d+ ms/)
    assert.match(stdout, /db +up .* MB, \d+ of \d+ connections/)
    assert.match(stdout, /redis +up .* \d+ keys?/)
    assert.match(stdout, /certificate self-signed, ends on \d{4}-/)
    const { replicas, database, alarms } = JSON.parse((await site.run('status', '--json')).stdout)
    assert.deepEqual([replicas.length, replicas[0].serving, alarms.length], [2, true, 0])
    assert.ok(database.bytes > 1e6)
  })

  describe('maintenance', () => {
    test('is switched with no failed connection; /status and an allowed address get through', async () => {
      const seen = await site.underLoad(async () => {
        assert.match(
          await site.must('maintenance', 'on'),
          /Maintenance is on since .*; \/status gets through/,
        )
        await until('users get the page', async () => (await site.get('/')).status === 503)
        await site.must('maintenance', 'off')
        await until('users get through', async () => (await site.get('/')).status === 200)
      })
      assert.ok(seen.closed > 0)
      assert.deepEqual(seen.failed, [])
      await site.must('maintenance', 'on')
      const { status, body, headers } = await site.get('/palindrom/abba', {}, 'POST')
      assert.deepEqual(
        [status, headers['retry-after'], headers['content-type']],
        [503, '300', 'text/html; charset=utf-8'],
      )
      assert.match(body, /We will be back soon/)
      assert.deepEqual(
        [(await site.get('/status')).body, (await site.get('/ready-for-deploy')).status],
        ['OK', 404],
      )
      assert.match(await site.must('maintenance', 'on'), /Nothing to do/)
      const own = (await site.must('logs', 'lb', '--json')).trim().split('\n').at(-1) ?? ''
      await site.must('maintenance', 'on', '--allow', JSON.parse(own).client)
      assert.equal((await site.get('/')).status, 200)
      assert.match((await site.run('maintenance', 'status')).stdout, /and \/status get through/)
    })

    test('stays through a rollout, a reload and a restart, and everybody knows of it; the page may be one’s own', async () => {
      const page = path.join(site.home, 'config/maintenance.html')
      writeFileSync(page, '<p>Our own page')
      await site.must('maintenance', 'on')
      rmSync(page)
      assert.match((await site.get('/')).body, /^<p>Our own page$/)
      let rolled = ''
      const seen = await site.underLoad(async () => {
        rolled = await site.must('redeploy', '--force')
      })
      assert.deepEqual([seen.closed, seen.failed], [seen.requests, []])
      assert.match(rolled, /Maintenance is on: the probe asks \/status/)
      assert.match(rolled, /requests, 0 failed/)
      // The page is an answer.
      assert.match(rolled, / of all clients, 0 unanswered/)
      site.configure({ limits: { body: 11 } })
      await site.must('04-stack')
      await site.must('restart', 'lb')
      await docker`docker restart ${`${site.project}-lb-1`}`
      await until('nginx answers', async () => (await site.get('/status')).status === 200)
      assert.deepEqual(await site.get('/').then(({ status, body }) => [status, body]), [
        503,
        '<p>Our own page',
      ])
      assert.match((await site.run('verify')).text, /Maintenance is on since .*npm run maintenance -- off/)
      const { exitCode, text } = await site.run('status')
      assert.match(text, /^✗ Maintenance is on .*\n {2}Next: npm run maintenance -- off\n/)
      assert.equal(exitCode, 1)
      assert.match(await site.must('maintenance', 'off'), /Maintenance is off\./)
      assert.equal((await site.get('/')).status, 200)
    })
  })

  test('while a rollout is under way: who is at it and at which step; another one waits its turn', async () => {
    site.configure({ app: { environment: { WARMUP_SECONDS: '4' } } })
    const running = site.begin('redeploy')
    await until('status tells of it', async () =>
      /under way: \S+ since \S+ for redeploy, now: \w+ /.test((await site.run('status')).stdout),
    )
    const { exitCode, text } = await site.run('restart')
    assert.match(text, /Another run is under way: .* for redeploy/)
    assert.equal(exitCode, 1)
    assert.match(await site.must('psql', '-c', 'SELECT 6 * 7'), /42/)
    const rolled = await running
    assert.equal(rolled.exitCode, 0, rolled.stdall)
    assert.doesNotMatch((await site.run('status')).stdout, /under way: /)
  })

  test('hooks: one that fails before stops it with nothing touched; after it they are told what came of it', async () => {
    const file = path.join(site.home, 'told')
    const tell = `env | grep ^ROLLOUT_ | sort >>${file}`
    const ids = await site.ids()
    site.configure({
      hooks: { pre_rollout: 'echo not today; exit 3', post_rollout: tell, went_back: `echo back >>${file}` },
    })
    const { exitCode, text } = await site.run('redeploy', '--force')
    assert.equal(exitCode, 1)
    assert.match(
      text,
      /not today\n[\s\S]*✗ The hook pre_rollout .* failed with exit code 3, so the rollout does not begin/,
    )
    assert.deepEqual(await site.ids(), ids)
    assert.equal(existsSync(file), false)
    site.configure({ hooks: { pre_rollout: '' } })
    await site.must('redeploy', '--force')
    const [release] = await site.releases()
    const told = readFileSync(file, 'utf8')
    assert.match(
      told,
      new RegExp(
        `FAILURES=0\\n.*FROM=${release}\\n.*HOST=local\\n.*RELEASE=${release}\\n.*REPORT=/.*${release}.html\\n.*REQUESTS=[1-9]\\d*\\n.*RESULT=released\\n$`,
      ),
    )
  })

  test('destroy: asks for the name; what runs goes, the data stays, and comes back with it', async () => {
    await site.get('/palindrom/radar')
    const wrong = await onTerminal(argv('destroy'), [[/to go ahead: /, 'yes']])
    assert.match(
      wrong.text,
      /This removes from this machine: \d+ containers[\s\S]*What stays: the volume[\s\S]*Not confirmed/,
    )
    assert.equal(wrong.exitCode, 1)
    assert.equal((await site.run('destroy')).exitCode, 2)
    assert.equal((await site.get('/')).status, 200)
    const password = site.secret('db_developer_password')
    const { exitCode, text } = await onTerminal(argv('destroy'), [[/to go ahead: /, site.project]])
    assert.equal(exitCode, 0, text)
    assert.deepEqual(await site.ids(), [])
    assert.equal((await docker`docker images -q ${`${site.project}/*`}`).stdout, '')
    const again = await site.run('destroy', '--yes')
    assert.match(again.text, /nothing to do\. Still there: the volume/)
    assert.equal(again.exitCode, 0)
    await Deployment.start({}, site)
    assert.equal(site.secret('db_developer_password'), password)
    assert.match((await as(site, 'developer', 'SELECT text FROM palindromes')).text, /radar/)
  })

  test('destroy --data: not without a word about the backup; then nothing is left, and a second time there is nothing to do', async () => {
    const ids = await site.ids()
    const refused = await site.run('destroy', '--data', '--yes')
    assert.match(refused.text, /there is no backup/)
    assert.equal(refused.exitCode, 1)
    assert.deepEqual(await site.ids(), ids)
    const text = await site.must('destroy', '--data', '--no-backup', '--yes')
    assert.match(text, /Lost for ever on this machine: the volume \S+_db/)
    assert.equal(existsSync(site.folder), false)
    const label = `label=com.docker.compose.project=${site.project}`
    for (const kind of ['container', 'network', 'volume'])
      assert.equal(
        (await docker`docker ${kind} ls ${kind === 'container' ? ['-a'] : []} -q --filter ${label}`).stdout,
        '',
      )
    assert.match(await site.must('destroy', '--data', '--no-backup', '--yes'), /nothing to do/)
    assert.equal(existsSync(site.folder), false)
  })
})

/** Containers that people are in. */
async function oneOffs(): Promise<string[]> {
  const filters = [`project=${site.project}`, 'oneoff=True'].flatMap((label) => [
    '--filter',
    `label=com.docker.compose.${label}`,
  ])
  return (await docker`docker ps -aq ${filters}`).stdout.split('\n').filter(Boolean)
}
