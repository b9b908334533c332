/** A disk that is full, and one that can hold no more files: what needs no disk goes on, and nothing is lost. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../lib/until.mts'
import { startServer } from './disposable.mts'
import { watched } from './faults.mts'
import { Operator } from './operator.mts'

/** Docker's data on a small disk of its own. */
const SMALL = `
systemctl stop docker.socket docker
mount -t tmpfs -o size=6g,nr_inodes=300k tmpfs /var/lib/docker
systemctl start docker`

const FILLED = {
  'the disk is full': {
    fill: 'cat /dev/zero >/var/lib/docker/big 2>/dev/null || true',
    empty: 'rm /var/lib/docker/big',
    says: /^✗ The server’s disk \(\/var\/lib\/docker\) has 0\.0 GB of 6 GB left; .*\/var\/lib\/docker\/big/m,
  },
  'the inodes are used up': {
    fill: 'mkdir /var/lib/docker/many; seq -f /var/lib/docker/many/%.0f 300000 | xargs touch 2>/dev/null || true',
    empty: 'rm -r /var/lib/docker/many',
    says: /^✗ The server’s disk \(\/var\/lib\/docker\) can hold 0 more files of /m,
  },
}

let operator: Operator
before(async () => {
  operator = new Operator(await startServer('bookworm', 'prepared'))
  await operator.root(SMALL)
  await operator.deploy()
})
after(() => operator?.remove())

const stored = () =>
  operator.root("docker exec prusa-db-1 psql -U postgres -d prusa -Atc 'SELECT count(*) FROM palindromes'")

for (const [what, { fill, empty, says }] of Object.entries(FILLED))
  test(what, async (t) => {
    assert.equal((await operator.get('/palindrom/kayak')).status, 200)
    const rows = Number(await stored())
    const seen = await watched(t, operator, what, async () => {
      await operator.root(fill)
      for (let number = 0; number < 20; number++) await operator.get(`/palindrom/${number}x${number}`)
      assert.match((await operator.run('status')).text, says)
      assert.match((await operator.run('redeploy', '--force')).text, /disk/)
    })
    assert.deepEqual(seen.failed, [])
    await operator.root(empty)
    const well = async (page: string) => (await operator.get(page)).status === 200
    await until('the database stores again', () => well('/palindrom/noon'))
    await until('Redis counts again', () => well('/redis-hits'))
    assert.ok(Number(await stored()) >= rows)
    await until('status is green', async () => (await operator.run('status')).exitCode === 0)
  })
