/** Programs that do not get ready, and one that does so late: each in a container of its own, looked at as a rollout does. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type StackConfig, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { client } from '../../scripts/lib/edge/balancer.mts'
import { BalancerState } from '../../scripts/lib/edge/balancer-state.mts'
import { haproxyFiles } from '../../scripts/lib/edge/haproxy.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { untilReady } from '../../scripts/lib/rollout/handshake.mts'
import { replicas } from '../../scripts/lib/rollout/replica.mts'
import { NotReady } from '../../scripts/lib/stack/diagnosis.mts'

import { docker } from '../lib/deployment.mts'
import { told } from '../lib/refusal.mts'
import { until } from '../lib/until.mts'

/** Milliseconds. What is certain is told long before the deadline of the waiting itself. */
const EARLY = { timeout: 120_000 }
const SERVE = `
import http.server, os, sys, time
def serve(address, port, status=200, body=b"OK", requests=None):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)
    server = http.server.HTTPServer((address, port), Answer)
    print("up")
    if requests is None:
        server.serve_forever()
    else:
        server.timeout = 1
        [server.handle_request() for _ in range(requests)]
        server.server_close()
`

const host = new Host('local')
const project = `prusatest${randomBytes(3).toString('hex')}`
const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
const stack: StackConfig = { ...defaults(stackSchema), project, folder }
let pool: BalancerState
let number = 0

/** A balancer with the network of the replicas, and nothing else of a deployment. */
before(async () => {
  await docker`docker network create ${project}_frontend`
  const config = path.join(folder, 'haproxy')
  mkdirSync(path.join(config, 'live'), { recursive: true })
  for (const [name, content] of Object.entries(haproxyFiles(stack)))
    writeFileSync(path.join(config, 'live', name), content)
  writeFileSync(path.join(config, 'replicas.map'), '')
  await docker`install -d -o 99 -g 99 ${config}/run`
  await docker`chmod 755 ${folder}`
  const volumes = [`${config}:/etc/prusa:ro`, `${config}/run:/tmp/run`].map((one) => `--volume=${one}`)
  const labels = [`--label=com.docker.compose.project=${project}`, `--network=${project}_frontend`]
  const { haproxy } = baseImages(stack, 'debian')
  await docker`docker run -d ${labels} ${volumes} ${haproxy} haproxy -f /etc/prusa/live/haproxy.cfg`
  await until('the balancer answers', () => existsSync(`${config}/run/admin.sock`))
  pool = await BalancerState.begin(host, stack)
})
after(async () => {
  pool?.end()
  const { stdout } = await docker`docker ps -aq --filter label=com.docker.compose.project=${project}`
  await docker`docker rm -f ${stdout.split('\n').filter(Boolean)}`
  await docker`docker network rm ${project}_frontend`
  rmSync(folder, { recursive: true })
})

/** Waits until it is ready, and returns the error that this ends with. */
async function failing(id: string, patience?: number): Promise<NotReady> {
  return await waiting(id, patience).then(
    () => assert.fail('it got ready'),
    (error) => error,
  )
}

/** Runs a program as a replica. */
async function start(program: string, flags: string[] = []): Promise<string> {
  const labels = [`project=${project}`, 'service=app', 'oneoff=False']
  const labelled = labels.map((label) => `--label=com.docker.compose.${label}`)
  const name = `${project}-app-${++number}`
  const run = [
    ...labelled,
    `--name=${name}`,
    `--network=${project}_frontend`,
    '--network-alias=app',
    '--restart=unless-stopped',
  ]
  const image = baseImages(stack, 'debian').python
  return (
    await docker`docker run -d --init ${run} ${flags} ${image} python -uc ${SERVE + program}`
  ).stdout.trim()
}

async function waiting(id: string, patience = 3600, meanwhile?: () => PromiseLike<unknown>): Promise<void> {
  const fresh = await found(id)
  await meanwhile?.()
  const rollout = { ...stack.rollout, ready_timeout: patience }
  await untilReady(host, { ...stack, rollout }, pool, fresh)
}

const found = async (id: string) => (await replicas(host, stack)).filter((one) => one.id === id)

const EARLY_REASONS: [what: string, program: string, reason: RegExp, next: RegExp, flags?: string[]][] = [
  ['listens on 127.0.0.1', 'serve("127.0.0.1", 5000)', /-app-\d+ listens on 127\.0\.0\.1 only/, /APP_HOST/],
  [
    'listens on another port, and warms up',
    'serve("0.0.0.0", 8000, 404, b"Not ready")',
    /-app-\d+ listens on port 8000, not on 5000$/,
    /APP_PORT/,
  ],
  ['exits at once', 'sys.exit(3)', /-app-\d+ crashes \(exit code 3, restarted \d+ times\)$/, /Correct/],
  ['ends by itself', 'pass', /crashes \(exit code 0, .* ends by itself/, /APP_HOST/],
  ['lacks a module', 'import flask_cors', /: it lacks the module flask_cors \(/, /requirements\.txt/],
  [
    'needs more memory',
    'b"x" * (200 << 20)',
    /crashes \(exit code 137, .* more memory/,
    /app\.memory/,
    ['--memory=32m'],
  ],
]
const LATE_REASONS: [what: string, program: string, reason: RegExp][] = [
  ['listens nowhere', 'print("up"); time.sleep(3600)', /-app-\d+ runs and listens on no port/],
  [
    'listens elsewhere and is no application yet',
    'serve("0.0.0.0", 9000, 200, b"metrics")',
    /listens on port 9000, not on 5000/,
  ],
  [
    'waits for its database',
    `print('connection to server at "db" (10.0.0.2), port 5432 failed: Connection refused')
serve("0.0.0.0", 5000, 404, b"Not ready")`,
    /answers 404 “Not ready”: it cannot reach its database \(connection to server at "db"/,
  ],
  ['answers /status wrongly', 'serve("0.0.0.0", 5000, 200, b"Okay")', /ready: not within 1 s; .*200 “Okay”/],
  ['is just not ready', 'serve("0.0.0.0", 5000, 404, b"Not ready")', /ready: not within 1 s; .*404/],
]
describe('a replica', { concurrency: 6 }, () => {
  for (const [what, program, reason, next, flags] of EARLY_REASONS)
    test(`that ${what} fails as soon as that is certain`, EARLY, async () => {
      const error = await failing(await start(program, flags))
      assert.ok(error instanceof NotReady, told(error))
      assert.match(error.what, reason)
      assert.match(error.next, next)
    })

  for (const [what, program, reason] of LATE_REASONS)
    test(`that ${what} fails when its time is over`, async () => {
      const id = await start(program)
      await until(`${what}: up`, async () => (await docker`docker logs ${id}`).stdout.includes('up'))
      const error = await failing(id, 1)
      assert.ok(error instanceof NotReady, told(error))
      assert.match(error.what, reason)
    })

  test('that listens on another port first gets the time to listen on the right one', EARLY, async () => {
    await waiting(await start('serve("0.0.0.0", 9000, 200, b"metrics", 9); serve("0.0.0.0", 5000)'))
  })

  test('that the balancer still takes for an earlier one at its address has to say OK itself', async () => {
    const id = await start('serve("0.0.0.0", 5000, 404, b"Not ready")')
    const [{ address = '' } = {}] = await found(id)
    await until('the balancer knows the address', () => pool.at(address) !== undefined)
    // As it is between the removal of a replica and the next check of its address.
    await host.run(
      'Forcing the state of a place',
      client(stack, ['tell', address, 'disable health %s', 'set server %s health up']),
    )
    await until('the balancer says that it is up', () => pool.at(address)?.up === true)
    const error = await failing(id, 1)
    assert.match(error.message, /ready: not within 1 s; .*404 “Not ready”/)
    assert.ok(pool.at(address)?.up)
  })

  test('that somebody removes is no fault of the application', EARLY, async () => {
    const id = await start('time.sleep(3600)')
    const removed = waiting(id, undefined, () => docker`docker rm -f ${id}`)
    await assert.rejects(removed, (error: Error) => {
      assert.ok(!(error instanceof NotReady))
      assert.match(error.message, /-app-\d+ is gone: somebody removed it/)
      return true
    })
  })
})
