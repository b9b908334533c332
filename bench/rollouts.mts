/** Rollouts under 200 requests/s: good ones, broken ones and interrupted ones, and plain Compose for comparison. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/lib/cli/say.mts'
import { copyOf } from '../tests/lib/application.mts'
import { RATE } from '../tests/lib/asking.mts'
import { Deployment, docker } from '../tests/lib/deployment.mts'
import { interrupt } from '../tests/lib/interrupt.mts'
import { seeded } from '../tests/lib/random.mts'
import { cost } from './cost.mts'
import { failing } from './failing.mts'
import { hop } from './hop.mts'
import { AS_TYPED } from './measure.mts'
import { beside } from './scale.mts'
import { type Measured, ratio, row, series } from './series.mts'
import { added, overSsh, SLOW } from './waits.mts'
import { asPeers } from './weights.mts'

const ROUNDS = Number(process.env.ROUNDS ?? 20)
const FAULTS = Number(process.env.FAULTS ?? 5)
/** Seconds of requests to a site that does not change. */
const STEADY = 30
/** Milliseconds after which a rollout is interrupted, at most. */
const LONGEST = 25_000
/** Two replicas, two fresh ones, nginx, HAProxy, PostgreSQL and its port, Redis. */
const CONTAINERS = 9

/** The parts by name, in this order. `npm run bench -- rollout steady good` runs two of them; without a name, all run. */
const PARTS: Record<string, (bench: Bench) => Promise<string[][]>> = {
  steady: async (bench) => [row(`steady, ${RATE} requests/s, two replicas`, await steady(bench))],
  good: async (bench) => {
    const good = await series(bench.site, ROUNDS, () => release(bench))
    return [
      row(`${ROUNDS} rollouts in a row, surge all, each built`, good),
      ratio('p99 while rolling / steady', good, await steady(bench)),
    ]
  },
  peers: async (bench) => {
    const names = await twoReleases(bench)
    return await asPeers(CONTAINERS, async () => {
      const rest = await series(bench.site, 1, () => sleep(STEADY * 1000))
      const rolling = await series(bench.site, ROUNDS / 2, (round) => rollTo(bench.site, names[round % 2]))
      return [
        row('containers as peers of the engine: steady', rest),
        row(`the same during ${ROUNDS / 2} rollouts of built releases`, rolling),
        ratio('p99 while rolling / steady as peers', rolling, rest),
      ]
    })
  },
  broken: async (bench) => [
    row(`${FAULTS} broken releases`, await series(bench.site, FAULTS, () => brokenRelease(bench))),
  ],
  cut: async ({ site }) => {
    const below = seeded(1)
    const cutBy = (signal: NodeJS.Signals) =>
      series(site, FAULTS, () => interrupted(site, signal, below(LONGEST)))
    return [
      row(
        `${FAULTS} rollouts killed by SIGKILL at random steps, each finished by the next`,
        await cutBy('SIGKILL'),
      ),
      row(
        `${FAULTS} rollouts stopped by Ctrl-C at random steps, each finished by the next`,
        await cutBy('SIGINT'),
      ),
    ]
  },
  failing: ({ site, source }) => failing(site, source),
  waits: ({ site }) => added(site),
  scale: ({ site }) => beside(site),
  ssh: ({ site }) => overSsh(site),
  cost: ({ site }) => cost(site),
  hop: ({ site }) => hop(site),
  plain: async ({ site }) => [
    row('plain docker compose up -d --force-recreate', await series(site, 1, () => plainCompose(site))),
  ],
}

interface Bench {
  site: Deployment
  /** Folder of the application's source. */
  source: string
  /** The result without a rollout, once it was measured. */
  rest?: Measured
}

/** Measures the chosen parts; prints each row at once, since all parts take an hour. */
export async function rollouts(words: readonly string[]): Promise<string[][]> {
  const prepared = await Deployment.prepare()
  const source = copyOf(prepared, 'tests/apps/minimal')
  const settings = {
    app: { source, environment: SLOW },
    rollout: { surge: 'all', ready_timeout: 30 },
    probe: { rate: 20 },
    limits: { requests: 100_000 }, // for hop
  }
  const site = await Deployment.start(settings, prepared)
  site.zx = AS_TYPED
  const bench: Bench = { site, source }
  const rows: string[][] = []
  try {
    for (const [name, part] of Object.entries(PARTS)) {
      if (words.length > 0 && !words.includes(name)) continue
      for (const one of await part(bench)) {
        rows.push(one)
        say(one.join(': '))
      }
    }
    return rows
  } finally {
    await site.remove()
  }
}

async function steady(bench: Bench): Promise<Measured> {
  bench.rest ??= await series(bench.site, 1, () => sleep(STEADY * 1000))
  return bench.rest
}

/** Builds and releases two releases; returns their names. */
async function twoReleases(bench: Bench): Promise<string[]> {
  const names: string[] = []
  for (const _ of 'ab') {
    await release(bench)
    names.push(await served(bench.site))
  }
  return names
}

async function served(site: Deployment): Promise<string> {
  return (await site.releases())[0] as string
}

async function rollTo(site: Deployment, release = ''): Promise<void> {
  await site.must('redeploy', '--release', release)
}

async function release({ site, source }: Bench): Promise<void> {
  appendFileSync(path.join(source, 'app.py'), `# ${Math.random()}\n`)
  await site.must('redeploy')
}

async function brokenRelease({ site, source }: Bench): Promise<void> {
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
