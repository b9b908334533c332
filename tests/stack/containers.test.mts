/** What a stolen container is worth: what each may do on this machine, whom it reaches, and what it holds. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { violations } from '../lib/hardening.mts'
import { addresses, machine, Outside, reached } from '../lib/reach.mts'
import { deployment } from '../lib/shared.mts'
import { asPostgres } from '../lib/sql.mts'
import { until } from '../lib/until.mts'

let site: Deployment
/** An image with Python, for what is tried from within a container's network. */
let image: string
let outside: Outside
/** Removed at the end, with the networks. */
const extra: string[] = []
const networks: string[] = []
const shared = deployment()
before(async () => {
  site = await shared.take()
  const [replica = ''] = await site.containers('app')
  image = (await docker`docker inspect -f '{{.Config.Image}}' ${replica}`).stdout.trim()
  outside = await Outside.listen()
})
after(async () => {
  outside?.close()
  for (const id of extra) await docker({ nothrow: true })`docker rm -fv ${id}`
  for (const id of networks) await docker({ nothrow: true })`docker network rm ${id}`
  await shared.leave()
})

const one = (service: string) => `${site.project}-${service}-1`

/** A container of the test's own that stays until the end. */
async function container(...options: string[]): Promise<string> {
  const made = await docker`docker run -d --label prusa-test=own --entrypoint sleep ${options} ${image} 600`
  const id = made.stdout.trim()
  extra.push(id)
  // The engine tells of the start a moment before the program is there: until then, runc is in its place.
  await until(
    'its program runs',
    async () => readFileSync(`/proc/${await pidOf(id)}/comm`, 'utf8') === 'sleep\n',
  )
  return id
}

test('no container has root, capabilities, new privileges or a place to write; limits are in force', async (context) => {
  const names = (
    await Promise.all(['db', 'dbport', 'redis', 'app', 'balancer', 'lb'].map((one) => site.containers(one)))
  ).flat()
  assert.equal(names.length, 7)
  for (const name of names) assert.deepEqual(await violations(name), [], name)
  context.diagnostic(`${names.length} containers`)
})

test('the workers of a busy database are confined, too', async () => {
  const busy = asPostgres(
    site,
    'SET max_parallel_workers_per_gather = 2; SET debug_parallel_query = on; SELECT pg_sleep(3)',
  )
  assert.deepEqual(await violations(one('db')), [])
  await busy
})

describe('the same look finds what is wrong with a container that', { concurrency: 5 }, () => {
  const confined = [
    ...['--user=10001', '--cap-drop=ALL', '--security-opt=no-new-privileges:true', '--read-only'],
    ...['--memory=64m', '--pids-limit=20', '--log-opt=max-size=1m', '--log-opt=max-file=2'],
  ]
  const without = (option: string) => confined.filter((other) => !other.startsWith(option))
  const cases: [what: string, options: string[], red: RegExp[]][] = [
    ['is confined finds nothing', confined, []],
    ['runs as root', [...without('--user'), '--user=0'], [/^sleep runs as root$/]],
    ['keeps its capabilities', without('--cap-drop'), [/^sleep has capabilities \(CapBnd\)$/]],
    ['may gain privileges', without('--security-opt'), [/^sleep may gain privileges$/]],
    [
      'has no filter',
      [...confined, '--security-opt=seccomp=unconfined'],
      [/^sleep has no system call filter$/],
    ],
    ['can be written on', without('--read-only'), [/^\/etc can be written$/, /^\/ is mounted for writing$/]],
    ['has a folder of this machine', [...confined, '--volume=/srv:/srv'], [/^\/srv is mounted for writing$/]],
    ['has no limit of memory', without('--memory'), [/^no limit of memory$/]],
    ['has no limit of processes', without('--pids'), [/^no limit of processes$/]],
    ['logs without end', without('--log-opt'), [/^log without limit$/]],
  ]
  for (const [what, options, red] of cases)
    test(what, async () => {
      const found = await violations(await container(...options))
      for (const pattern of red)
        assert.ok(
          found.some((text) => pattern.test(text)),
          `${pattern}: ${found}`,
        )
      if (red.length === 0) assert.deepEqual(found, [])
    })
})

test('the load balancer reaches neither database nor Redis, by name or by address', async () => {
  const ips = await Promise.all(['db', 'dbport', 'redis'].map((name) => addresses(one(name))))
  const hosts = [
    ...['db', 'dbport', 'redis'].flatMap((name) => [name, one(name)]),
    ...ips.flatMap((each) => Object.values(each)),
  ]
  const targets = hosts.flatMap((host) => [`pg:${host}:5432`, `redis:${host}:6379`])
  const published = (await machine()).map((address) => `pg:${address}:${site.ports.db}`)
  assert.ok(ips.flatMap((each) => Object.values(each)).length === 4 && published.length > 1)
  // The same targets from a replica, which shall reach them: the measure measures.
  const [replica = ''] = await site.containers('app')
  const [none, seen] = await Promise.all([
    reached(image, one('lb'), [...targets, ...published]),
    reached(image, replica, targets),
  ])
  assert.deepEqual(none, [])
  for (const target of ['pg:db:5432', 'redis:redis:6379', `pg:${Object.values(ips[0] ?? {})[0]}:5432`])
    assert.ok(seen.includes(target), target)
})

test('nginx reaches the balancer and no replica; a replica cannot give the balancer orders', async () => {
  const [replica = ''] = await site.containers('app')
  const own = `any:${(await addresses(replica))[`${site.project}_frontend`]}:5000`
  const seen = await Promise.all([
    reached(image, one('lb'), ['any:balancer:8080', own, `any:${replica}:5000`]),
    reached(image, one('balancer'), [own]),
  ])
  assert.deepEqual(seen, [['any:balancer:8080'], [own]])
  assert.deepEqual(listening(await pidOf(one('balancer'))), [8080])
})

test('database and Redis reach neither this machine nor the site nor a container elsewhere', async (context) => {
  const elsewhere = await container('--network=bridge')
  await docker`docker exec -d ${elsewhere} python3 -m http.server 8000`
  const own = await machine()
  const [replica = ''] = await site.containers('app')
  const others = [...Object.values(await addresses(elsewhere)), ...Object.values(await addresses(one('lb')))]
  const targets = [
    ...own.map((address) => `any:${address}:${outside.port}`),
    ...own.map((address) => `any:${address}:${site.ports.https}`),
    ...others.flatMap((address) => [`any:${address}:8000`, `any:${address}:8443`]),
    `any:${(await addresses(replica))[`${site.project}_frontend`]}:5000`,
  ]
  context.diagnostic(`${targets.length} targets`)
  const names = ['db', 'redis']
  outside.heard.length = 0
  const seen = await Promise.all(names.map((name) => reached(image, one(name), targets)))
  assert.deepEqual([seen, outside.heard], [[[], []], []])
  for (const name of names) {
    assert.equal(v6(await pidOf(one(name))), '', `${name} has an IPv6 address`)
  }
})

test('a container on an ordinary network reaches the same targets: the measure works', async () => {
  const own = (await machine()).map((address) => `any:${address}:${outside.port}`)
  const tried = [['--internal'], ['--opt', 'com.docker.network.bridge.enable_ip_masquerade=false']].map(
    async (options, number) => {
      const name = `${site.project}-red${number}`
      networks.push((await docker`docker network create ${options} ${name}`).stdout.trim())
      const id = await container(`--network=${name}`)
      const { [name]: address } = await addresses(id)
      assert.ok((await reached(image, id, own)).length > 0, options.join(' '))
      for (const protocol of ['tcp', 'udp'])
        assert.ok(outside.heard.includes(`${protocol} ${address}`), outside.heard.join())
    },
  )
  await Promise.all(tried)
})

async function pidOf(name: string): Promise<number> {
  return Number((await docker`docker inspect -f '{{.State.Pid}}' ${name}`).stdout)
}

/** TCP ports that are open in the container's network, but for those of Docker's own DNS on its loopback (proc_net_tcp(5)). */
function listening(pid: number): number[] {
  const lines = ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8').split('\n'),
  )
  const open = lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => state === '0A' && !address?.startsWith('0B00007F'))
  return open.map(([, address = '']) => Number.parseInt(address.split(':')[1] ?? '', 16))
}

/** Addresses of IPv6 in the container's network but its own loopback's: a network that nobody looked at. */
function v6(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/net/if_inet6`, 'utf8').split('\n')
  return lines.filter((line) => line && !line.endsWith(' lo')).join('\n')
}
