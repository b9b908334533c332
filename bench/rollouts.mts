/** Rollouts in front of a client of 200 requests/s: good ones, broken ones, interrupted ones, and plain Compose beside. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/lib/cli/say.mts'
import type { Summary } from '../scripts/lib/proof/probe.mts'
import { copyOf } from '../tests/lib/application.mts'
import { Deployment, docker } from '../tests/lib/deployment.mts'
import { interrupt } from '../tests/lib/interrupt.mts'
import { seeded } from '../tests/lib/random.mts'
import { asked, RATE } from './client.mts'
import { cost } from './cost.mts'
import { AS_TYPED } from './measure.mts'
import { added, overSsh, SLOW } from './waits.mts'
import { asPeers } from './weights.mts'

const ROUNDS = Number(process.env.ROUNDS ?? 20)
const FAULTS = Number(process.env.FAULTS ?? 5)
/** Seconds of asking a site that nobody touches. */
const STEADY = 30
/** Milliseconds within which a rollout of that application is cut off. */
const LONGEST = 25_000
/** Two replicas, two fresh ones, nginx, HAProxy, PostgreSQL and its port, Redis. */
const CONTAINERS = 9

export async function rollouts(): Promise<string[][]> {
  const prepared = await Deployment.prepare()
  const source = copyOf(prepared, 'tests/apps/minimal')
  const settings = {
    app: { source, environment: SLOW },
    rollout: { surge: 'all', ready_timeout: 30 },
    probe: { rate: 20 },
  }
  const site = await Deployment.start(settings, prepared)
  site.zx = AS_TYPED
  try {
    const steady = await series(site, 1, () => sleep(STEADY * 1000))
    const good = await series(site, ROUNDS, () => release(site, source))
    const built = await twoReleases(site, source)
    const peers = await asPeers(CONTAINERS, async () => ({
      steady: await series(site, 1, () => sleep(STEADY * 1000)),
      rolling: await series(site, ROUNDS / 2, (round) => rollTo(site, built[round % 2] as string)),
    }))
    const broken = await series(site, FAULTS, () => brokenRelease(site, source))
    const below = seeded(1)
    const killed = await series(site, FAULTS, () => interrupted(site, 'SIGKILL', below(LONGEST)))
    const stopped = await series(site, FAULTS, () => interrupted(site, 'SIGINT', below(LONGEST)))
    const waits = await added(site)
    const ways = await overSsh(site)
    const costs = await cost(site)
    const plain = await series(site, 1, () => plainCompose(site))
    return [
      row(`steady, ${RATE} requests/s, two replicas`, steady),
      row(`${ROUNDS} rollouts in a row, surge all, each built`, good),
      row(`${FAULTS} broken releases`, broken),
      row(`${FAULTS} rollouts killed by SIGKILL at random steps, each finished by the next`, killed),
      row(`${FAULTS} by Ctrl-C likewise`, stopped),
      ...ratios('p99 while rolling / steady', good, steady),
      row('containers as peers of the engine: steady', peers.steady),
      row(`the same during ${ROUNDS / 2} rollouts of releases built before`, peers.rolling),
      ...ratios('p99 while rolling / steady as peers', peers.rolling, peers.steady),
      ...waits,
      ...ways,
      ...costs,
      row('plain docker compose up -d --force-recreate', plain),
    ]
  } finally {
    await site.remove()
  }
}

interface Measured extends Summary {
  /** Milliseconds, by nginx's log: from a request's first byte to the last one of its answer. */
  ownP99: number
}

function row(what: string, { requests, failed, median, p99, slowest, ownP99 }: Measured): string[] {
  return [
    what,
    `${failed.length} of ${requests} failed, median ${median} ms, p99 ${p99} ms (nginx: ${ownP99} ms), slowest ${slowest} ms`,
  ]
}

function ratios(what: string, rolling: Measured, steady: Measured): string[][] {
  const ratio = (one: number, other: number) => (one / other).toFixed(2)
  return [[what, `${ratio(rolling.p99, steady.p99)} (nginx: ${ratio(rolling.ownP99, steady.ownP99)})`]]
}

async function series(
  site: Deployment,
  rounds: number,
  work: (round: number) => Promise<void>,
): Promise<Measured> {
  const began = new Date().toISOString()
  const summary = await asked(site, async () => {
    for (let round = 0; round < rounds; round++) {
      await work(round)
      if (rounds > 1) say(`  ${round + 1} of ${rounds}`)
    }
  })
  const { stdout } = await docker`docker logs --since ${began} ${`${site.project}-lb-1`}`
  const own = [...stdout.matchAll(/"seconds":([\d.]+)/g)].map(([, seconds]) => Number(seconds) * 1000)
  own.sort((a, b) => a - b)
  return { ...summary, ownP99: own[Math.floor(own.length * 0.99)] ?? 0 }
}

/** Builds two releases and has them served; returns their names. */
async function twoReleases(site: Deployment, source: string): Promise<string[]> {
  const names: string[] = []
  for (const _ of 'ab') {
    await release(site, source)
    names.push(await served(site))
  }
  return names
}

async function served(site: Deployment): Promise<string> {
  return (await site.releases())[0] as string
}

async function rollTo(site: Deployment, release: string): Promise<void> {
  await site.must('redeploy', '--release', release)
}

async function release(site: Deployment, source: string): Promise<void> {
  appendFileSync(path.join(source, 'app.py'), `# ${Math.random()}\n`)
  await site.must('redeploy')
}

async function brokenRelease(site: Deployment, source: string): Promise<void> {
  const file = path.join(source, 'app.py')
  const code = readFileSync(file, 'utf8')
  writeFileSync(file, `import sys; sys.exit("broken ${Math.random()}")\n${code}`)
  const { exitCode, text } = await site.run('redeploy')
  writeFileSync(file, code)
  if (exitCode !== 1) throw new Error(text)
}

async function interrupted(site: Deployment, signal: NodeJS.Signals, delay: number): Promise<void> {
  await interrupt(site, 'redeploy', ['--force'], signal, delay)
  await site.must('redeploy')
}

async function plainCompose(site: Deployment): Promise<void> {
  const folder = path.join(site.folder, 'compose')
  const env = { ...process.env, RELEASE: await served(site) }
  const inEnv = docker({ env })
  await inEnv`docker compose --env-file ${folder}/stack.env -f ${folder}/stack.yaml up -d --no-deps --force-recreate --scale app=2 app`
  await sleep(15_000)
}
