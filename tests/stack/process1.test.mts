/** The first process of a replica, in the application's image: how it stops applications of many kinds, and what it passes on. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { deployment, MINIMAL } from '../lib/shared.mts'

interface Outcome {
  code: number
  seconds: number
  said: string
}

let site: Deployment
let image: string
let outcomes: Record<string, Outcome>
const shared = deployment(MINIMAL)
before(async () => {
  site = await shared.take()
  const [replica = ''] = await site.containers('app')
  image = (await docker`docker inspect -f {{.Config.Image}} ${replica}`).stdout.trim()
})
after(() => shared.leave())

/** Runs a command as a replica does, without an init of the engine's. */
const runs = (...command: string[]) =>
  docker({ nothrow: true })`docker run --rm --network none --pids-limit 200 ${command}`

test('it runs applications of many kinds', async () => {
  const mount = `${path.join(ROOT, 'tests/lib/process1.py')}:/cases.py:ro`
  const { exitCode, stdout, stdall } = await runs('-v', mount, image, 'python', '/cases.py')
  assert.equal(exitCode, 0, stdall)
  outcomes = JSON.parse(stdout)
})

const STOPPED: [what: string, said: RegExp, least: number][] = [
  ['ready later', /said Ready: stops it/, 1],
  ['404 until ready', /said Ready: stops it/, 1],
  ['404 in its own words until ready', /said Ready: stops it/, 1],
  ['never ready', /has not said Ready in time/, 2],
  ['hangs', /has not answered for 1 s/, 1],
  ['warms up', /warms up and has nothing to prepare/, 0],
  ['no handshake', /does not know the handshake \(answers 404\)/, 0],
  ['only errors', /does not know the handshake \(answers 500\)/, 0],
  ['does not listen', /does not listen: stops it/, 0],
  ['told twice', /asks the application to prepare\n$/, 0],
]
for (const [what, said, least] of STOPPED)
  test(`an application that is stopped: ${what}`, () => {
    const outcome = outcomes[what] as Outcome
    assert.match(outcome.said, said)
    assert.equal(outcome.code, 143)
    assert.ok(outcome.seconds >= least, JSON.stringify(outcome))
    // One that waited for its deadline would take a minute.
    assert.ok(outcome.seconds < 50, JSON.stringify(outcome))
  })

const CODES: [what: string, code: number][] = [
  ['ends by itself', 7],
  ['another signal', 9],
  ['killed', 137],
  ['no such program', 127],
]
for (const [what, code] of CODES)
  test(`it gives the exit code on: ${what}`, () =>
    assert.equal(outcomes[what]?.code, code, JSON.stringify(outcomes[what])))

/** Apart from 32 and 33, glibc's own, which it ignores for every program that it spawns. */
test('the application has no blocked or ignored signals', () => {
  assert.match(outcomes['tells its signals']?.said ?? '', /SigBlk:\s0+\nSigIgn:\s0+(18)?0{7}\n/)
})

const ORPHAN = `
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.2)
    os._exit(0)
os.wait()
time.sleep(0.5)
left = [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in (1, os.getpid())]
print(os.getppid(), left)`

test('as process 1 it reaps what the application leaves behind', async () => {
  assert.equal((await runs(image, 'python', '-c', ORPHAN)).stdout.trim(), '1 []')
})
