/** The site after its server was restarted: by itself, with everything it had, and with what was stopped still stopped. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { testLong } from '../lib/long.mts'
import { until } from '../lib/until.mts'
import { changes, type Operator } from './operator.mts'

/** What must be the same: secrets, certificate, files, data. */
const KEPT = `
find /opt/prusa -type f ! -name lock* -printf '%p %m %U ' -exec sha256sum {} \\; | sort
docker exec prusa-db-1 psql -U postgres -d prusa -Atc 'TABLE palindromes'`

/** Restarts a server on which everything is deployed, and looks at what became of it. */
export function reboots(operator: () => Operator): void {
  const running = async () => (await operator().root(`docker ps --format '{{.Names}}' | sort`)).split('\n')

  describe('after a restart of the server', () => {
    let earlier: string
    let certificate: string
    let page: string
    let stopped: string
    /** The other replica. */
    let other: string
    before(async () => {
      certificate = await operator().certificate()
      page = (await operator().get('/')).body
      assert.equal((await operator().get('/palindrom/kayak')).status, 200)
      ;[other, stopped] = (await running()).filter((name) => name.startsWith('prusa-app-')) as [
        string,
        string,
      ]
      await operator().root(`docker stop ${stopped}`)
      earlier = await operator().root(KEPT)
      assert.match(earlier, /kayak/)
      await operator().server.reboot()
    })

    test('the site comes back by itself, with its old certificate', async () => {
      await until('the site answers', async () => (await operator().get('/')).status === 200)
      assert.equal((await operator().get('/')).body, page)
      assert.equal(await operator().certificate(), certificate)
    })

    test('secrets, files and data are the same', async () => {
      assert.equal(await operator().root(KEPT), earlier)
    })

    test('the replica that ran has prepared before the server went down', async () => {
      assert.match(await operator().root(`docker logs ${other}`), /told to stop[\s\S]*said Ready: stops it/)
    })

    test('a replica that was stopped by hand stays stopped, and all other containers run', async () => {
      const others = ['prusa-balancer-1', 'prusa-db-1', 'prusa-dbport-1', 'prusa-lb-1', 'prusa-redis-1']
      const [replica, ...rest] = await running()
      assert.match(replica ?? '', /^prusa-app-/)
      assert.notEqual(replica, stopped)
      assert.deepEqual(rest, others)
    })

    test('the replica, started by hand, gets requests again, and verify finds everything as required', async () => {
      await operator().root(`docker start ${stopped}`)
      await until('two replicas answer', async () => (await operator().run('verify')).exitCode === 0)
    })

    test('01-server has nothing to do after a reboot', async () => {
      assert.deepEqual(changes(await operator().must('01-server')), [])
    })
  })
  testLong('after a power cut the site answers before the database does, which takes a minute', async () => {
    const script = '/opt/prusa/postgres/postgres.sh'
    await operator().root(`sed -i '2i sleep 60' ${script}`)
    await operator().server.cutPower()
    const status = async (page: string) => (await operator().get(page)).status
    await until('the site answers', async () => (await status('/')) === 200)
    assert.equal(await status('/palindrom/kayak'), 503)
    await until('the database does', async () => (await status('/palindrom/kayak')) === 200)
    await operator().root(`sed -i 2d ${script}`)
    await until('all is well', async () => (await operator().run('verify')).exitCode === 0)
  })
}
