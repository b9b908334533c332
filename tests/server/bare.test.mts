/**
 * Debian 12, from bare to verified over ssh; then the same again, which must change nothing and cost no request; then
 * restarted. The login is one as people have it: it prints, and sets what Docker, Compose and new files go by.
 */
import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, test } from 'node:test'
import type { Ran } from '../lib/deployment.mts'
import { onTerminal } from '../lib/terminal.mts'
import { until } from '../lib/until.mts'
import { watch } from '../lib/watcher.mts'
import { type DisposableServer, startServer } from './disposable.mts'
import { engineFaults } from './faults.mts'
import { changes, Operator } from './operator.mts'
import { privileges } from './privileges.mts'
import { reboots } from './reboot.mts'

let server: DisposableServer
let operator: Operator
let before01: Map<string, string>
let said: string
/** What commands say of a server that has no Docker Engine yet. */
const bare = new Map<string, Ran>()

before(async () => {
  server = await startServer('bookworm', 'bare')
  operator = new Operator(server)
  await operator.root(LOGIN)
  before01 = await installed()
  for (const script of ['status', 'logs', 'psql', 'restart', 'destroy'])
    bare.set(script, await operator.run(script, ...(script === 'destroy' ? ['--yes'] : [])))
  said = await operator.asTyped(() => operator.deploy())
})
after(() => operator?.remove())

const LOGIN = `
cat >/root/.profile <<'PROFILE'
echo Welcome
echo Careful >&2
umask 077
export DOCKER_HOST=tcp://192.0.2.1 COMPOSE_FILE=/nowhere COMPOSE_PROJECT_NAME=other HTTP_PORT=1
export PATH=/usr/bin LC_ALL=cs_CZ.UTF-8 TZ=Asia/Tokyo TMPDIR=/nowhere
PROFILE
cp /root/.profile /root/.bashrc
echo 'if [ "$USER" = root ]; then echo Hello; echo Hello >&2; fi' >/etc/ssh/sshrc
echo Authorized use only >/etc/issue.net; echo 'Banner /etc/issue.net' >/etc/ssh/sshd_config.d/banner.conf
systemctl reload ssh`

/** Versions of the installed packages, by name. */
async function installed(): Promise<Map<string, string>> {
  const { stdout } = await server.exec(`dpkg-query -W -f '\${Package} \${Version}\\n'`)
  return new Map(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, string]),
  )
}

async function containers(): Promise<string> {
  return (await server.exec('docker ps -aq --no-trunc | sort')).stdout
}

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

test('one command makes a bare server a site that is all as required', () => {
  assert.match(said, /\d+ lines as required, 1 not shown yet: npm run redeploy -- --force/)
  assert.doesNotMatch(said, /Welcome|Careful|Hello|Authorized/)
  assert.match(said, new RegExp(`The site +https://127.0.0.1:${server.httpsPort}/`))
})

test('a second deploy changes nothing, says so at every step, and drops no request', async () => {
  const ids = await containers()
  const packages = await installed()
  await operator.unnoticed(async () => {
    const text = await operator.must('deploy')
    assert.deepEqual(changes(text), [])
    assert.match(text, /already running: nothing to do/)
  })
  assert.equal(await containers(), ids)
  assert.deepEqual(await installed(), packages)
})

test('the commands for every day work over ssh and on a terminal, and show nothing of what the login prints', async () => {
  const { stdout } = await operator.run('psql', '-c', 'SELECT current_user')
  assert.equal(stdout, ' current_user \n--------------\n developer\n(1 row)\n\n')
  const ran = await operator.run('run', 'sh', '-c', 'echo out; exit 9')
  assert.deepEqual([ran.exitCode, ran.stdout], [9, 'out\n'])
  const { exitCode, text } = await onTerminal(operator.argv('shell', 'redis'), [[/[$#] /, 'tty; exit 5']])
  assert.deepEqual([exitCode, /\/dev\/pts\//.test(text)], [5, true], text)
  await operator.get('/palindrom/abba')
  assert.match(await operator.must('logs', 'lb', '--grep', 'abba'), / 200 GET \/palindrom\/abba /)
  assert.match(await operator.must('status'), /^release \w+, since .* UTC by \w+/m)
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
  await until('it says what to open', () => text.includes('\n'))
  const page = await watch(JSON.parse(text).url)
  const lanes = () => page.parts.lanes ?? ''
  await until('the replicas serve', () => /app-\d serving.*app-\d serving/.test(lanes()))
  await operator.root('systemctl stop ssh; pkill -x sshd || true')
  await until('it tells', () => /No news from .* since .*The page tries again/s.test(page.parts.link ?? ''))
  await operator.root('systemctl start ssh')
  await until('there is news', () => page.parts.link === '')
  const seen = lanes()
  await until('it goes on', () => lanes() !== seen)
  page.close()
  process.kill(-(running.pid as number), 'SIGINT')
  await running
})

test('deploy upgrades no package, and installs only Compose and buildx from Debian 13', async () => {
  const now = await installed()
  for (const [name, version] of before01) assert.equal(now.get(name), version, name)
  const { stdout } = await server.exec(`
apt-cache policy $(dpkg-query -W -f '\${Package} ') |
  awk '/^[^ ]/ {name = $1} /^ \\*\\*\\*/ {getline; if (/trixie/) print name}'`)
  assert.deepEqual(stdout.split('\n').filter(Boolean).sort(), ['docker-buildx:', 'docker-compose:'])
  const upgrade = await server.exec('apt-get upgrade --simulate; apt-get dist-upgrade --simulate')
  assert.doesNotMatch(upgrade.stdout, /trixie|Debian:13/)
})

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

test('an alias and a jump host lead to the same site, and the probe watches a rollout there', async () => {
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
})

privileges(() => operator)
engineFaults(() => operator)
reboots(() => operator)

test('destroy takes the stack away, and leaves users, packages and the Docker Engine', async () => {
  const packages = await installed()
  const text = await operator.must('destroy', '--yes')
  assert.match(text, /This removes from .*: \d+ containers[\s\S]*Kept: the volume prusa_db/)
  assert.equal(await containers(), '')
  assert.deepEqual(await installed(), packages)
  assert.match(await operator.root('id prusa_admin; docker volume ls -q'), /prusa_admin[\s\S]*prusa_db/)
  assert.match(await operator.must('destroy', '--yes'), /nothing to do/)
})
