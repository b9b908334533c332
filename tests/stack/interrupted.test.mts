/** A first deployment that is killed again and again, anywhere: the next run completes it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Deployment } from '../lib/deployment.mts'
import { LONG } from '../lib/long.mts'
import { seeded } from '../lib/random.mts'
import { beginning } from '../lib/shared.mts'
import { as } from '../lib/sql.mts'
import { until } from '../lib/until.mts'

const KILLS = LONG ? 5 : 1
const random = seeded(2)

let site: Deployment
/** What killed runs left running on this machine: when each process started, by its number, which another one may get later. */
const orphans = new Map<number, string>()
before(async () => {
  site = await beginning.take()
})
after(async () => {
  for (const [pid, started] of orphans)
    if (running(pid) && startOf(pid) === started) process.kill(pid, 'SIGKILL')
  await beginning.leave()
})

for (const [script, longest] of [
  ['02-build', 3000],
  ['03-db', 5000],
  ['04-stack', 6000],
] as const)
  test(`${script}, killed ${KILLS}×, completes when it is run again`, async (context) => {
    for (let kill = 0; kill < KILLS; kill++) {
      // Half the time what it started dies with it, as in a power cut; else that runs on, as after a lost connection.
      const [delay, all] = [random(longest), random(2) === 0]
      context.diagnostic(`killed after ${delay} ms${all ? ' with all that it started' : ''}`)
      await interrupt(script, delay, all)
    }
    await site.must(script)
  })

test('the site is then as required', async () => {
  assert.equal((await site.get('/palindrom/level')).status, 200)
  assert.equal((await site.containers('app')).length, 2)
  assert.equal((await as(site, 'developer', 'SELECT text FROM palindromes')).text, 'level')
  assert.match((await as(site, 'developer', 'CREATE TABLE mine (n int)')).text, /permission denied|read-only/)
  const verdicts = JSON.parse((await site.run('verify', '--json')).stdout) as {
    chapter: string
    ok: boolean
  }[]
  const red = verdicts.filter(({ chapter, ok }) => !ok && chapter !== 'Prepare the server')
  assert.deepEqual(red, [])
})

test('a further run changes nothing', async () => {
  const before = await site.ids()
  for (const script of ['02-build', '03-db', '04-stack']) {
    const text = await site.must(script)
    for (const line of text.split('\n').filter((line) => line.startsWith('✓')))
      assert.match(line, /nothing to do/)
  }
  assert.deepEqual(await site.ids(), before)
})

/** Runs a script and kills it: its process group, and if told everything that it started. */
async function interrupt(script: string, delay: number, all: boolean): Promise<void> {
  const run = site.begin(script)
  let ended = false
  const over = run.then(() => {
    ended = true
  })
  await Promise.race([sleep(delay), over])
  if (ended) return
  const leader = run.pid as number
  const started = descendants(leader)
  for (const pid of started) orphans.set(pid, startOf(pid))
  process.kill(-leader, 'SIGKILL')
  if (all) for (const pid of started) if (running(pid)) process.kill(pid, 'SIGKILL')
  await over
  await until('the script is gone', () => !running(leader))
}

function running(pid: number): boolean {
  return stat(pid) !== undefined && stat(pid)?.[0] !== 'Z'
}

/** When a process started, in ticks since the machine did; empty when it has ended. */
const startOf = (pid: number) => stat(pid)?.[19] ?? ''

/** What the kernel tells of a process, from its state and its parent on (proc(5)). */
function stat(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}

function descendants(ancestor: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Boolean)
  const children = pids.filter((pid) => Number(stat(pid)?.[1]) === ancestor)
  return children.flatMap((pid) => [pid, ...descendants(pid)])
}
