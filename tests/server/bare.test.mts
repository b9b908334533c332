/**
 * From bare to verified by one command of README.md over ssh, base images made on the server itself, and then by all its
 * other commands; then `deploy` again, which must change nothing and cost no request; then restarted. The login is one as
 * people have it: it prints, and sets what Docker, Compose and new files go by. On Debian 13; with --long on Debian 12, too.
 */
import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import type { Ran } from '../lib/deployment.mts'
import { LONG, testLong } from '../lib/long.mts'
import { onTerminal } from '../lib/terminal.mts'
import { until } from '../lib/until.mts'
import { watch } from '../lib/watcher.mts'
import { type DisposableServer, startServer } from './disposable.mts'
import { engineFaults } from './faults.mts'
import type { Suite } from './image/build.mts'
import { LOGIN } from './login.mts'
import { changes, Operator } from './operator.mts'
import { fromOwnArchive, type Installed, installed } from './packages.mts'
import { privileges } from './privileges.mts'
import { FIRST, LAST, NEXT, Reader } from './reader.mts'
import { readme } from './readme.mts'
import { reboots } from './reboot.mts'
import { timers } from './timers.mts'
import { verifyLines } from './verify.mts'

const SUITES: Suite[] = LONG ? ['trixie', 'bookworm'] : ['trixie']

let server: DisposableServer
let operator: Operator
let reader: Reader
let before01: Installed
/** After the last deploy. */
let packages: Installed
/** What commands say of a server that has no Docker Engine yet. */
const bare = new Map<string, Ran>()

async function begin(suite: Suite): Promise<void> {
  server = await startServer(suite, 'bare')
  operator = new Operator(server)
  await operator.root(LOGIN)
  reader = await Reader.begin(operator)
  before01 = await installed(server)
  for (const script of ['status', 'logs', 'psql', 'restart', 'destroy'])
    bare.set(script, await operator.run(script, ...(script === 'destroy' ? ['--yes'] : [])))
}

async function containers(): Promise<string> {
  return (await server.exec('docker ps -aq --no-trunc | sort')).stdout
}

for (const suite of SUITES)
  describe(`a bare server with ${suite}`, () => {
    before(() => begin(suite))
    after(async () => {
      reader?.remove()
      await operator?.remove()
    })

    test('before anything is there each command says so', () => {
      for (const [script, code, what] of [
        ['status', 0, /No replica on .*\. Next: npm run deploy/],
        ['logs', 0, /No service has logged anything on .*\. Next: npm run deploy/],
        ['psql', 1, /There is no container prusa-db-1 on .*\n.*\n {2}Next: {2}npm run deploy/],
        ['restart', 1, /Next: {2}There is no Docker Engine yet: npm run deploy/],
        ['destroy', 0, /nothing to do/],
      ] as const) {
        const { exitCode, text = '' } = bare.get(script) ?? {}
        assert.deepEqual([exitCode, what.test(text)], [code, true], `${script}: ${text}`)
      }
    })

    const pages = readme(() => reader)
    pages.before(NEXT)

    test('one command makes a bare server a site that is all as required', () => {
      const said = reader.printed(FIRST)
      assert.match(
        said,
        /Base images \(debian\): made prusa-debian\/postgres:17-\w+, .* and prusa-debian\/python:3\.13/,
      )
      assert.match(said, /\d+ lines as required, 1 not shown yet: npm run redeploy -- --force/)
      assert.doesNotMatch(said, /Welcome|Careful|Hello|Authorized/)
      assert.match(said, new RegExp(`The site +https://127.0.0.1:${server.httpsPort}/`))
    })

    test('a second deploy changes nothing, says so at every step, and drops no request', async () => {
      const ids = await containers()
      packages = await installed(server)
      await operator.unnoticed(async () => {
        const text = await reader.type('npm run deploy')
        assert.deepEqual(changes(text), [])
        assert.match(text, /already running: nothing to do/)
      })
      assert.equal(await containers(), ids)
      assert.deepEqual(await installed(server), packages)
    })

    pages.before(LAST)
    pages.shown()

    test('the commands for every day work over ssh and on a terminal, and show nothing of what the login prints', async () => {
      const { stdout } = await operator.run('psql', '-c', 'SELECT current_user')
      assert.equal(stdout, ' current_user \n--------------\n developer\n(1 row)\n\n')
      const ran = await operator.run('run', 'sh', '-c', 'echo out; exit 9')
      assert.deepEqual([ran.exitCode, ran.stdout], [9, 'out\n'])
      const { exitCode, text } = await onTerminal(operator.argv('shell', 'redis'), [[/[$#] /, 'tty; exit 5']])
      assert.deepEqual([exitCode, /\/dev\/pts\//.test(text)], [5, true], text)
      await operator.get('/palindrom/abba')
      assert.match(await operator.must('logs', 'lb', '--grep', 'abba'), / 200 GET \/palindrom\/abba /)
      await operator.must('maintenance', 'on')
      assert.equal((await operator.get('/')).status, 503)
      await operator.must('maintenance', 'off')
      assert.equal((await operator.get('/')).status, 200)
    })

    test('the dashboard, over ssh: it tells when the server is out of reach, and goes on when it is back', async () => {
      const running = operator.begin('dashboard', '--json')
      let text = ''
      running.stdout.on('data', (data) => {
        text += data
      })
      try {
        await until('it says what to open', () => text.includes('\n'))
        const page = await watch(JSON.parse(text).url)
        const lanes = () => page.parts.lanes ?? ''
        await until('the replicas serve', () => /app-\d serving.*app-\d serving/.test(lanes()))
        await operator.root('systemctl stop ssh; pkill ^sshd || true')
        await until('it tells', () =>
          /No news from .* since .*The page tries again/s.test(page.parts.link ?? ''),
        )
        await operator.root('systemctl start ssh')
        await until('there is news', () => page.parts.link === '')
        const seen = lanes()
        await until('it goes on', () => lanes() !== seen)
        page.close()
      } finally {
        process.kill(-(running.pid as number), 'SIGINT')
        await running
      }
    })

    test('the engine comes from the own archive, and no package is upgraded', () =>
      fromOwnArchive(server, suite, before01))

    test('the engine starts at boot, and only the load balancer and sshd listen to the network', async () => {
      assert.equal((await server.exec('systemctl is-enabled docker')).stdout.trim(), 'enabled')
      const { stdout } = await server.exec(`ss -Htln | awk '{print $4}'`)
      const open = stdout.split('\n').filter((address) => address && !/^(127\.|\[::1\])/.test(address))
      const ports = [...new Set(open.map((address) => Number(address.split(':').at(-1))))]
      assert.deepEqual(
        ports.sort((a, b) => a - b),
        [22, server.httpPort, server.httpsPort].sort((a, b) => a - b),
      )
    })

    testLong(
      'an alias and a jump host lead to the same site, and the probe watches a rollout there',
      async () => {
        const file = operator.sshConfig(`
    Host prod jump
      HostName 127.0.0.1
      Port ${server.sshPort}
    Host inner
      HostName ${server.name}
      ProxyJump root@jump`)
        operator.configure({ ssh_config: file })
        const same = await operator.must('04-stack', '--host', 'root@prod')
        assert.match(same, /Certificate: fits and lasts: nothing to do/)
        assert.match(await operator.must('verify', '--host', 'root@inner'), /\d+ lines as required/)
        const text = await operator.must('redeploy', '--force', '--host', 'root@inner')
        assert.match(text, /asks through ssh, .*: the server is behind another host/)
        assert.match(text, /[1-9]\d* requests, 0 failed/)
        operator.configure()
      },
    )

    privileges(() => operator)
    verifyLines(() => operator)
    timers(() => operator)
    engineFaults(() => operator)
    reboots(() => operator)

    pages.before()

    test('destroy takes the stack away, and leaves users, packages and the Docker Engine', async () => {
      assert.match(
        reader.printed(LAST),
        /This removes from .*: \d+ containers[\s\S]*Kept: the volume prusa_db/,
      )
      assert.equal(await containers(), '')
      assert.deepEqual(await installed(server), packages)
      assert.match(await operator.root('id prusa_admin; docker volume ls -q'), /prusa_admin[\s\S]*prusa_db/)
      assert.match(await operator.must('destroy', '--yes'), /nothing to do/)
    })
  })
