/** The site after its server was restarted: by itself, with everything it had, and with what was stopped still stopped. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../lib/until.mts'
import { type DisposableServer, startServer } from './disposable.mts'
import { changes, Operator } from './operator.mts'

let server: DisposableServer
let operator: Operator
let earlier: string
let certificate: string

before(async () => {
  server = await startServer({ suite: 'bookworm' })
  operator = new Operator(server)
  await operator.deploy()
  certificate = await operator.certificate()
  assert.equal((await operator.get('/palindrom/kayak')).status, 200)
  await operator.root('docker stop prusa-app-2')
  earlier = await operator.root(KEPT)
  assert.match(earlier, /kayak/)
  await server.reboot()
})
after(() => operator?.remove())

/** What must be the same: secrets, certificate, files, data. */
const KEPT = `
find /opt/prusa -type f ! -name lock* -printf '%p %m %U ' -exec sha256sum {} \\; | sort
docker exec prusa-db-1 psql -U postgres -d prusa -Atc 'TABLE palindromes'`

test('the site is back by itself, on its old certificate', async () => {
  await until('the site answers', async () => (await operator.get('/')).status === 200)
  assert.equal((await operator.get('/')).body, 'Hello, world!')
  assert.equal(await operator.certificate(), certificate)
})

test('secrets, files and data are what they were', async () => {
  assert.equal(await operator.root(KEPT), earlier)
})

test('a replica that was stopped by hand stays stopped, the other one and the rest run', async () => {
  const running = await operator.root(`docker ps --format '{{.Names}}' | sort`)
  assert.deepEqual(running.split('\n'), [
    'prusa-app-1',
    'prusa-db-1',
    'prusa-dbport-1',
    'prusa-lb-1',
    'prusa-redis-1',
  ])
})

test('started by hand it has its share again, and verify finds everything as required', async () => {
  await operator.root('docker start prusa-app-2')
  await until('two replicas answer', async () => (await operator.run('verify')).exitCode === 0)
})

test('01-server has nothing to do after a reboot', async () => {
  assert.deepEqual(changes(await operator.must('01-server')), [])
})
