/** Debian 13 by the really bare road: one command, no registry, base images made on the server itself. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DisposableServer, startServer } from './disposable.mts'
import { changes, Operator } from './operator.mts'
import { verifyLines } from './verify.mts'

let server: DisposableServer
let operator: Operator

before(async () => {
  server = await startServer({ suite: 'trixie' })
  operator = new Operator(server)
})
after(() => operator?.remove())

test('one deploy goes from bare to a site that is all as required', async () => {
  assert.notEqual((await server.exec('command -v docker')).exitCode, 0)
  const text = await operator.must('deploy')
  assert.match(
    text,
    /Base images \(debian\): made prusa-debian\/postgres:17-\w+, .* and prusa-debian\/python:3\.13/,
  )
  assert.match(text, /\d+ lines of the task sheet: all as required/)
  assert.equal((await operator.get('/')).body, 'Hello, world!')
})

test('the engine is from the archive of Debian 13 alone', async () => {
  const { stdout } = await server.exec(
    `dpkg-query -W -f '\${db:Status-Status} \${Package}\\n' docker.io docker-cli docker-compose docker-buildx`,
  )
  assert.deepEqual(stdout.trim().split('\n').sort(), [
    'installed docker-buildx',
    'installed docker-cli',
    'installed docker-compose',
    'installed docker.io',
  ])
  const sources = await server.exec('ls /etc/apt/sources.list.d /etc/apt/preferences.d')
  assert.doesNotMatch(sources.stdout, /docker/)
})

test('a second deploy has nothing to do', async () => {
  const text = await operator.must('deploy')
  assert.deepEqual(changes(text), [])
  assert.match(text, /already running: nothing to do/)
})

verifyLines(() => operator)
