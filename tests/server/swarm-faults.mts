/** What breaks with several hosts, done on purpose while a client that knows all addresses asks. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Everywhere } from '../lib/everywhere.mts'
import { get } from '../lib/get.mts'
import { until } from '../lib/until.mts'
import type { Hosts } from './hosts.mts'

/** Seconds. */
const CUT = 30

const isWell = (hosts: Hosts) => until('all is well', async () => (await hosts.run('status')).exitCode === 0)

/** All but the requests that the killed host had. */
const elsewhere = (failed: { address: string }[], name = '') =>
  failed.filter(({ address }) => !name.endsWith(address))

/** The number of hits, with one more. */
export async function hitsAt({ sites: [site] }: Hosts): Promise<number> {
  return Number(site && /\d+/.exec((await get(site, '/redis-hits')).body))
}

/** Requests per second that write. */
const WRITES = 10

/** Does the work while a client writes rows and counts hits: all that was acknowledged must be there afterwards. */
async function nothingIsLost(hosts: Hosts, work: () => Promise<void>): Promise<void> {
  const mark = randomBytes(4).toString('hex')
  const text = (number: number) => `${mark}${number}`
  const row = (number: number) => `/palindrom/${text(number)}x${[...text(number)].reverse().join('')}`
  const earlier = await hitsAt(hosts)
  const client = await Everywhere.start(hosts.sites, WRITES, (number) =>
    number % 2 === 0 ? row(number) : '/redis-hits',
  )
  await work().finally(() => client.stop())
  const acknowledged = client.samples.filter(({ error }) => !error).map(({ page }) => page)
  const rows = acknowledged.filter((page) => page.startsWith('/palindrom/'))
  const hits = acknowledged.length - rows.length
  assert.ok(rows.length > 0 && hits > 0, `${rows.length} rows and ${hits} hits were acknowledged`)
  const select = "docker exec prusa-db-1 psql -U postgres -d prusa -Atc 'SELECT text FROM palindromes'"
  const kept = new Set((await hosts.servers[0]?.exec(select))?.stdout.split('\n'))
  const isLost = (page: string) => !kept.has(page.replace('/palindrom/', ''))
  assert.deepEqual(rows.filter(isLost), [])
  const counted = (await hitsAt(hosts)) - earlier
  assert.ok(counted >= hits, `${hits} hits were acknowledged, and ${counted} counted`)
}

/** Each in words, and what is done and asserted. */
export const FAULTS: Record<string, (hosts: Hosts) => Promise<void>> = {
  'two operators change it at once, and reach different managers: one is refused': async (hosts) => {
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
  },

  'all hosts reboot one after the other: nobody notices': async (hosts) => {
    for (const server of hosts.servers.toReversed()) {
      const failed = await hosts.watched(async () => {
        await server.reboot()
        await isWell(hosts)
      })
      assert.deepEqual(failed, [])
    }
  },

  'the host with the data is killed: the site answers what needs no data, and nothing is lost': async (
    hosts,
  ) => {
    const [lost] = hosts.servers
    const [name = ''] = hosts.names
    const [, site] = hosts.sites
    const store = async () => site && (await get(site, '/palindrom/level')).status
    const work = async () => {
      await lost?.lose()
      await until('what needs data says that there is none', async () => (await store()) === 503)
      const status = await hosts.run('status')
      assert.equal(status.exitCode, 1, status.text)
      assert.match(
        status.text,
        new RegExp(`✗ ${name} is down. It holds the database and Redis: pages that need them`),
      )
      const released = await hosts.run('redeploy')
      assert.match(released.text, new RegExp(`redeploy needs ${name}, which holds the database`))
      await lost?.comeBack()
      await isWell(hosts)
      await until('data is there again', async () => (await store()) === 200)
    }
    const failed = await hosts.watched(() => nothingIsLost(hosts, work))
    assert.deepEqual(elsewhere(failed, name), [])
  },

  'a manager is killed in a rollout: the next command ends it': async (hosts) => {
    const [, , lost] = hosts.servers
    const [, , name] = hosts.names
    hosts.edit('import sys', '# another release\nimport sys')
    const failed = await hosts.watched(async () => {
      const rollout = hosts.begin('redeploy')
      for await (const text of rollout.stderr) if (/ ready /.test(String(text))) break
      await lost?.lose()
      await rollout
      const { text } = await hosts.run('redeploy')
      assert.match(text, /requests, 0 failed|is already running/)
      await lost?.comeBack()
      await isWell(hosts)
    })
    assert.deepEqual(elsewhere(failed, name), [])
    await hosts.must('deploy')
  },

  'the network between two hosts is cut: nobody notices': async (hosts) => {
    const [, cut] = hosts.servers
    const [, , other = ''] = hosts.names
    const address = other.replace(/.*@/, '')
    const rules = (order: string) =>
      cut?.exec(
        `iptables -w ${order} INPUT -s ${address} -j DROP; iptables -w ${order} OUTPUT -d ${address} -j DROP`,
      )
    const failed = await hosts.watched(async () => {
      await rules('-I')
      await sleep(CUT * 1000)
      await rules('-D')
      await isWell(hosts)
    })
    assert.deepEqual(failed, [])
  },
}
