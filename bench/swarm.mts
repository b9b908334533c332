/** Rollouts on three servers by Docker Swarm, and on one by our own loop: the same application, client and number of requests. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../scripts/lib/cli/say.mts'
import type { Site } from '../scripts/lib/edge/site.mts'
import { RATE } from '../tests/lib/asking.mts'
import { Deployment } from '../tests/lib/deployment.mts'
import { type Asked, Everywhere } from '../tests/lib/everywhere.mts'
import { Hosts } from '../tests/server/hosts.mts'
import { distance } from './distance.mts'
import { median } from './measure.mts'

const ROUNDS = Number(process.env.ROUNDS ?? 20)
/** Seconds of requests to a site that does not change. */
const STEADY = 30
/** Seconds in which the application warms up and drains. */
const OWN = 5
const REPLICAS = 3

const environment = { WARMUP_SECONDS: String(OWN), DRAIN_SECONDS: String(OWN) }
const SETTINGS = { app: { replicas: REPLICAS, environment }, rollout: { surge: 'all', ready_timeout: 60 } }

/** Measures one after the other, so that neither takes processor time of the other. */
export async function swarm(): Promise<string[][]> {
  const hosts = await Hosts.start(SETTINGS)
  let rows: string[][]
  try {
    await hosts.must('deploy')
    const roll = () => hosts.must('redeploy', '--force')
    rows = [...(await distance(hosts)), ...(await measured('three servers, Docker Swarm', hosts.sites, roll))]
  } finally {
    await hosts.remove()
  }
  const one = await Deployment.start(SETTINGS)
  try {
    const loop = () => one.must('redeploy', '--force')
    return [...rows, ...(await measured('one server, our own loop', [one.site], loop))]
  } finally {
    await one.remove()
  }
}

async function measured(what: string, sites: readonly Site[], roll: () => Promise<unknown>) {
  const client = await Everywhere.start(sites, RATE)
  const beyond: number[] = []
  try {
    let began = Date.now()
    await sleep(STEADY * 1000)
    const steady = await client.since(began)
    began = Date.now()
    for (let round = 0; round < ROUNDS; round++) {
      const started = performance.now()
      await roll()
      beyond.push((performance.now() - started) / 1000 - 2 * OWN)
      say(`  ${what}: ${round + 1} of ${ROUNDS}`)
    }
    const rolling = await client.since(began)
    return [
      [`${what}: steady, ${RATE} requests/s`, told(steady)],
      [`the same during ${ROUNDS} rollouts in a row`, told(rolling)],
      ['p99 while rolling / steady', (p99(rolling) / p99(steady)).toFixed(1)],
      [
        "the whole command beyond the application's own waits (median, most)",
        `${median(beyond).toFixed(1)} s, ${Math.max(...beyond).toFixed(1)} s`,
      ],
    ]
  } finally {
    await client.stop()
  }
}

const sorted = (samples: readonly Asked[]) => samples.map(({ took }) => took).sort((a, b) => a - b)
const p99 = (samples: readonly Asked[]) => sorted(samples)[Math.floor(samples.length * 0.99)] ?? 0

function told(samples: readonly Asked[]): string {
  const failed = samples.filter(({ error }) => error)
  const kinds = [...new Set(failed.map(({ error }) => error))].join(', ')
  const times = sorted(samples)
  return `${failed.length} of ${samples.length} failed${kinds && ` (${kinds})`}, median ${median(times)} ms, p99 ${p99(samples)} ms, slowest ${times.at(-1)} ms`
}
