/** What breaks with several hosts, done on purpose while a client that knows all addresses asks. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { get } from '../lib/get.mts'
import { until } from '../lib/until.mts'
import type { Hosts } from './hosts.mts'

/** Seconds. */
const CUT = 30

const isWell = (hosts: Hosts) => until('all is well', async () => (await hosts.run('status')).exitCode === 0)

/** All but the requests that the killed host had. */
const elsewhere = (failed: { address: string }[], name = '') =>
  failed.filter(({ address }) => !name.endsWith(address))

/** Each in words, and what is done and asserted. */
export const FAULTS: Record<string, (hosts: Hosts) => Promise<void>> = {
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
    await until('a row is committed', async () => (await store()) === 200)
    const failed = await hosts.watched(async () => {
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
    })
    assert.deepEqual(elsewhere(failed, name), [])
    assert.match(await hosts.must('psql', '-c', 'SELECT count(*) FROM palindromes'), /^ +[1-9]/m)
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
