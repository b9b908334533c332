/**
 * What keeps a bare server from taking the deployment: each is told with its remedy, and what was begun the next run
 * completes.
 */
import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { debianImages } from '../lib/base-images.mts'
import { until } from '../lib/until.mts'
import { type DisposableServer, startServer } from './disposable.mts'
import { changes, Operator } from './operator.mts'
import { fromOwnArchive, type Installed, installed } from './packages.mts'

let server: DisposableServer
let operator: Operator
let bare: Installed

before(async () => {
  server = await startServer('bookworm', 'bare')
  operator = new Operator(server)
  bare = await installed(server)
})
after(() => operator?.remove())

/** Makes the server unfit, sees it refused with nothing changed, and makes it fit again. */
async function unfit(make: string, undo: string): Promise<string> {
  await operator.root(make)
  const state = `dpkg -l; find /etc /home /root /opt -printf '%p %T@\\n' | sort`
  const earlier = await operator.root(state)
  const text = await operator.refused('01-server')
  assert.ok((await operator.root(state)) === earlier, 'something was changed')
  assert.match(text, /nothing was changed/)
  await operator.root(undo)
  return text
}

test('01-server says that a server does not answer', async () => {
  assert.match(
    await operator.refused('01-server', '--host', 'ssh://root@127.0.0.1:9'),
    /cannot be reached: .*Connection refused/,
  )
})

test('01-server names the program that has taken a port', async () => {
  const listen = `perl -MIO::Socket::INET -e 'push @kept, IO::Socket::INET->new(Listen => 1, LocalPort => ${server.httpPort}); sleep'`
  const text = await unfit(
    `systemd-run --quiet --unit squatter ${listen}
     for attempt in {1..100}; do grep -q "$(printf ':%04X .* 0A ' ${server.httpPort})" /proc/net/tcp && break; sleep 0.1; done`,
    'systemctl stop squatter',
  )
  assert.match(
    text,
    new RegExp(`Port ${server.httpPort} is taken by /usr/bin/perl .*: stop it, or choose another`),
  )
})

test('01-server tells everything that is wrong at once, such as a distribution that is not supported', async () => {
  const text = await unfit(
    `cp /etc/os-release /tmp; sed -i 's/^VERSION_ID=.*/VERSION_ID="11"/' /usr/lib/os-release
     mount -t tmpfs -o size=100m tmpfs /var/lib/docker`,
    'umount /var/lib/docker; cat /tmp/os-release >/usr/lib/os-release',
  )
  assert.match(text, /is not supported: use Debian 12 or 13/)
  assert.match(text, /100 MB of free disk are too little: free 5120 MB/)
})

test('the next run completes 01-server, killed while it installs packages', async () => {
  const running = operator.begin('01-server')
  await until('dpkg is at work', async () => {
    const { exitCode } = await server.exec('grep -lx dpkg /proc/[0-9]*/comm && ls /var/lib/dpkg/updates/0*')
    return exitCode === 0
  })
  process.kill(-(running.pid as number), 'SIGKILL')
  await running
  // The server did not notice yet and goes on installing, which the next run waits for; then it loses its power.
  const next = operator.run('01-server')
  await operator.root(`sleep 1; kill -KILL $(grep -lxE 'dpkg|apt-get' /proc/[0-9]*/comm | cut -d/ -f3)`)
  const { text } = await next
  assert.match(text, /✓ Packages: /)
  await operator.root('command -v vim nano jq docker; [ -z "$(dpkg --audit)" ]')
})

test('01-server unpacks packages again whose unpacking was cut off', async () => {
  const cutOff = (name: string) =>
    `sed -i '/^Package: ${name}$/,/^$/s/^Status: .*/Status: install reinstreq unpacked/' /var/lib/dpkg/status`
  await operator.root(`${cutOff('nano')}; ${cutOff('libjq1')}; ! dpkg --configure -a`)
  assert.match(await operator.must('01-server'), /✓ Packages: installed nano /)
  await operator.root('[ -z "$(dpkg --audit)" ]; echo 1 | jq .')
})

test('Debian 12 gets Compose and buildx alone from Debian 13, and no package is upgraded', () =>
  fromOwnArchive(server, 'bookworm', bare))

test('01-server shows the last words of a Docker Engine that cannot start, and what to do', async () => {
  await operator.root(`systemctl stop docker.socket docker
mkdir -p /etc/docker; echo '{ "debug": tru' >/etc/docker/daemon.json`)
  const text = await operator.refused('01-server')
  await operator.root('rm /etc/docker/daemon.json')
  assert.match(text, /The Docker Engine on .* does not start\. The end of its log:\n(.*\n)*.*daemon\.json/)
  assert.match(text, /Next: {2}.*daemon\.json.*run again/)
  assert.match(await operator.must('01-server'), /Docker Engine: started/)
  assert.deepEqual(changes(await operator.must('01-server')), [])
})

test('02-build says that the disk is full in the middle of a build, and the next run completes', async () => {
  const { python } = debianImages()
  operator.configure({ images: 'registry', base_images: standingIn(python) })
  const size = (size: string) => operator.root(`mount -o remount,size=${size} /var/lib/docker`)
  await operator.root(`systemctl stop docker.socket docker
mount -t tmpfs -o size=1g tmpfs /var/lib/docker
systemctl start docker`)
  await operator.loadBaseImages('python')
  await size(`$(($(df -k --output=used /var/lib/docker | tail -n 1) + 400))k`)
  const text = await operator.refused('02-build')
  assert.match(text, /no space left on device/i)
  assert.match(text, /disk is full/)
  await size('1g')
  assert.match(await operator.must('02-build'), /Application: release \w+ built/)
})

/** One image by the names of all: what is there is not pulled, and nothing is started. */
const standingIn = (image: string) =>
  Object.fromEntries(['postgres', 'redis', 'nginx', 'haproxy', 'python'].map((service) => [service, image]))
