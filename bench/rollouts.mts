/** Rollouts in front of a client of 200 requests/s: good ones, broken ones, interrupted ones, and plain Compose beside. */
import { appendFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT } from '../scripts/lib/config.mts'
import type { Summary } from '../scripts/lib/probe.mts'
import { say } from '../scripts/lib/say.mts'
import { Deployment, docker } from '../tests/lib/deployment.mts'
import { seeded } from '../tests/lib/random.mts'

const RATE = 200
const ROUNDS = Number(process.env.ROUNDS ?? 20)
const FAULTS = Number(process.env.FAULTS ?? 5)
/** Seconds that the application takes to warm up and to drain. */
const WAITS = { MINIMAL_WARMUP: '2', MINIMAL_DRAIN: '1-3' }

export async function rollouts(): Promise<string[][]> {
  const prepared = await Deployment.prepare()
  const source = path.join(prepared.home, 'app')
  cpSync(path.join(ROOT, 'tests/apps/minimal'), source, { recursive: true })
  const settings = {
    app: { source, environment: WAITS },
    rollout: { surge: 'all', ready_timeout: 15 },
    probe: { rate: 20 },
  }
  const site = await Deployment.start(settings, prepared)
  try {
    const steady = await site.underLoad(() => sleep(15_000), RATE)
    const good = await series(site, ROUNDS, () => release(site, source))
    const broken = await series(site, FAULTS, () => brokenRelease(site, source))
    const below = seeded(1)
    const killed = await series(site, FAULTS, () => interrupted(site, 'SIGKILL', below(6000)))
    const stopped = await series(site, FAULTS, () => interrupted(site, 'SIGINT', below(6000)))
    const waits = await added(site)
    const plain = await site.underLoad(() => plainCompose(site), RATE)
    return [
      row(`steady, ${RATE} requests/s, two replicas`, steady),
      row(`${ROUNDS} rollouts in a row, surge all`, good),
      row(`${FAULTS} broken releases`, broken),
      row(`${FAULTS} rollouts killed by SIGKILL at random steps, each finished by the next`, killed),
      row(`${FAULTS} by Ctrl-C likewise`, stopped),
      ['p99 while rolling / steady', (good.p99 / steady.p99).toFixed(2)],
      ...waits,
      row('plain docker compose up -d --force-recreate', plain),
    ]
  } finally {
    await site.remove()
  }
}

function row(what: string, { requests, failed, median, p99, slowest }: Summary): string[] {
  return [
    what,
    `${failed.length} of ${requests} failed, median ${median} ms, p99 ${p99} ms, slowest ${slowest} ms`,
  ]
}

async function series(
  site: Deployment,
  rounds: number,
  work: (round: number) => Promise<void>,
): Promise<Summary> {
  return await site.underLoad(async () => {
    for (let round = 0; round < rounds; round++) {
      await work(round)
      say(`  ${round + 1} of ${rounds}`)
    }
  }, RATE)
}

async function release(site: Deployment, source: string): Promise<void> {
  appendFileSync(path.join(source, 'app.py'), `# ${Math.random()}\n`)
  const { exitCode, text } = await site.run('redeploy')
  if (exitCode !== 0) throw new Error(text)
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
  await site.interrupt('redeploy', ['--force'], signal, delay)
  const { exitCode, text } = await site.run('redeploy')
  if (exitCode !== 0) throw new Error(text)
}

/** Seconds of a rollout beyond the application's own waits, from what it says itself. */
async function added(site: Deployment): Promise<string[][]> {
  const rows: string[][] = []
  for (const [replicas, surge] of [
    [2, 'all'],
    [2, 1],
    [16, 'all'],
  ] as const) {
    site.configure({ app: { replicas }, rollout: { surge } })
    const scaled = await site.run('redeploy')
    if (scaled.exitCode !== 0) throw new Error(scaled.text)
    const { text } = await site.run('redeploy', '--force')
    const [, all = '', own = ''] = / in ([\d.]+) s \(([\d.]+) s of it/.exec(text) ?? []
    rows.push([
      `${replicas} replicas, surge ${surge}: beyond the application's own waits`,
      `${(Number(all) - Number(own)).toFixed(1)} s (${all} s in all)`,
    ])
  }
  site.configure({ app: { replicas: 2 } })
  await site.run('redeploy')
  return rows
}

async function plainCompose(site: Deployment): Promise<void> {
  const folder = path.join(site.folder, 'compose')
  const [name = ''] = await site.containers('app')
  const image = (await docker`docker inspect -f {{.Config.Image}} ${name}`).stdout.trim()
  const env = { ...process.env, RELEASE: image.split(':').at(-1) }
  await docker({
    env,
  })`docker compose --env-file ${folder}/stack.env -f ${folder}/stack.yaml up -d --no-deps --force-recreate --scale app=2 app`
  await sleep(15_000)
}
