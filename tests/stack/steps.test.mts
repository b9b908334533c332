/** A rollout that is cut off right after each of its steps: whatever is typed next finishes or undoes it, unnoticed. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import type { Deployment } from '../lib/deployment.mts'
import { interrupt } from '../lib/interrupt.mts'
import { LONG } from '../lib/long.mts'
import { changing } from '../lib/shared.mts'

let site: Deployment
let source: string
before(async () => {
  const made = await changing.take()
  site = made.site
  source = made.source
})
after(() => changing.leave())

const STEPS: [name: string, printed: RegExp][] = [
  ['the image is built', /Application: release \w+ built/],
  ['the first fresh replica has started', /1 replica of \w+ started/],
  ['it is ready', /app-\d+ ready/],
  ['it has requests', /load balancer: \S+ in/],
  ['the second one has, too', /load balancer: \S+ in[\s\S]*load balancer: \S+ in/],
  ['the first old one has drained', /drained/],
  ['the first old one is gone', /stopped and removed/],
  ['all is done but the noting', /stopped and removed[\s\S]*stopped and removed/],
]
/** What is typed next, and whether the new release runs then. */
const NEXT: [script: string, comes: boolean][] = [
  ['redeploy', true],
  ['rollback', false],
  ['04-stack', true],
]

/** One step by each signal; `npm run test:long` has each step by both. */
const SIGNALS = ['SIGKILL', 'SIGINT'] as const
const CASES = SIGNALS.flatMap((signal, turn) =>
  STEPS.map(([name, printed], index) => ({ signal, turn, name, printed, index })),
).filter(({ turn, index }) => LONG || index === [1, 4][turn])

for (const { signal, turn, name, printed, index } of CASES) {
  const [next, comes] = NEXT[(index + turn) % NEXT.length] as [string, boolean]
  test(`${signal} when ${name}, then ${next}`, async () => {
    site.configure({ app: { environment: { MINIMAL_WARMUP: '1' } }, rollout: { surge: 1 } })
    const [old = ''] = await site.releases()
    appendFileSync(path.join(source, 'app.py'), `# ${Math.random()}\n`)
    await site.unnoticed(async () => {
      const text = await interrupt(site, 'redeploy', [], signal, printed)
      assert.match(text, printed)
      // What finishes it need not take as many steps.
      if (next !== '04-stack') site.configure({ rollout: { surge: 'all' } })
      const { exitCode, text: finished } = await site.run(next)
      assert.equal(exitCode, 0, `${text}\n${finished}`)
      // One that is cut off while it warms up has not heard that it shall prepare, and is not waited for.
      assert.doesNotMatch(finished, /did not say Ready/)
    })
    const releases = new Set(await site.releases())
    // Cut off before anything had begun, there is nothing to undo but what came before.
    if (index > 0) assert.equal(releases.has(old), !comes, `${[...releases]}`)
    assert.equal(releases.size, 1)
    const all = await site.containers('app', true)
    assert.deepEqual(all, await site.containers('app'))
    assert.equal(all.length, 2)
  })
}

test('04-stack notes a rollout of which only that was missing, and status is green again', async () => {
  const lines = readFileSync(path.join(site.folder, 'history.jsonl'), 'utf8').trim().split('\n')
  const last = JSON.parse(lines.at(-1) ?? '')
  const begun = { ...last, when: new Date().toISOString(), result: 'unfinished' }
  writeFileSync(path.join(site.folder, 'history.begun'), `${JSON.stringify(begun)}\n`)
  const status = await site.run('status')
  assert.match(status.text, /was interrupted/)
  assert.match(await site.must('04-stack'), /is already running: the history now says that .* is complete/)
  assert.equal((await site.run('status')).exitCode, 0)
  assert.match(await site.must('04-stack'), /is already running: nothing to do/)
})

test('the history shows which rollouts were cut off, and status that all replicas serve', async () => {
  const { replicas } = JSON.parse((await site.run('status', '--json')).stdout) as {
    replicas: { serving: boolean }[]
  }
  assert.deepEqual(
    replicas.map(({ serving }) => serving),
    [true, true],
  )
  const entries = JSON.parse((await site.run('history', '--json')).stdout) as { result: string }[]
  const count = (result: string) => entries.filter((entry) => entry.result === result).length
  // One that is cut off when nothing has begun is no rollout, and the last step may be over before the signal.
  const begun = CASES.filter(({ index }) => index > 0 && index < STEPS.length - 1)
  assert.ok(count('unfinished') >= begun.length, JSON.stringify(entries))
  assert.ok(count('released') >= CASES.length / 2)
})
