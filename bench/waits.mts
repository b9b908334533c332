/** The duration of a rollout without the time in which it waits for the application. */
import type { Deployment } from '../tests/lib/deployment.mts'
import { median } from './measure.mts'
import { startSshd } from './sshd.mts'

/** Number of rollouts locally, and over ssh. */
const WAYS = 4
/** Seconds in which the application warms up and drains: as in the tests, and a quick one. */
export const SLOW = { MINIMAL_WARMUP: '10', MINIMAL_DRAIN: '5-15' }
const QUICK = { MINIMAL_WARMUP: '2', MINIMAL_DRAIN: '1-3' }
/** Number of measurements; the median counts. */
const TIMES = 3

/** Seconds of a rollout beyond the application's own waits, by its last sentence. */
export async function added(site: Deployment): Promise<string[][]> {
  const rows: string[][] = []
  for (const [replicas, surge, environment] of [
    [2, 'all', SLOW],
    [2, 1, SLOW],
    [2, 'all', QUICK],
    [16, 'all', SLOW],
  ] as const) {
    site.configure({ app: { replicas, environment }, rollout: { surge } })
    await site.must('redeploy')
    const runs: { all: number; beyond: number }[] = []
    for (let time = 0; time < TIMES; time++) runs.push(saidBy(await site.must('redeploy', '--force')))
    const medianOf = (key: 'all' | 'beyond') => median(runs.map((run) => run[key])).toFixed(1)
    const { MINIMAL_WARMUP: warmup, MINIMAL_DRAIN: drain } = environment
    rows.push([
      `${replicas} replicas, surge ${surge}, ${warmup} s of warm-up, ${drain} s of draining: beyond these`,
      `${medianOf('beyond')} s (median of ${TIMES}; ${medianOf('all')} s in all)`,
    ])
  }
  site.configure({ app: { replicas: 2, environment: SLOW }, rollout: { surge: 'all' } })
  await site.must('redeploy')
  return rows
}

/** Seconds in the last sentence of a rollout. */
export function saidBy(text: string): { all: number; beyond: number } {
  const [, all = '', own = ''] = / in ([\d.]+) s \(([\d.]+) s of it/.exec(text) ?? []
  return { all: Number(all), beyond: Number(all) - Number(own) }
}

/** The same rollout locally and over ssh, in turn, without the application's own waits, which are random. */
export async function overSsh(site: Deployment): Promise<string[][]> {
  const sshd = await startSshd()
  site.configure({ ssh_config: sshd.sshConfig, rollout: { surge: 'all' } })
  const ways: Record<string, string[]> = { locally: [], 'over ssh': ['--host', sshd.host] }
  const added: Record<string, number[]> = { locally: [], 'over ssh': [] }
  try {
    for (let round = 0; round < WAYS; round++)
      for (const [way, flags] of Object.entries(ways)) added[way]?.push(await addedBy(site, flags))
  } finally {
    sshd.stop()
  }
  return Object.entries(added).map(([way, all]) => [
    `the whole command ${way}, beyond the application's own waits (minimum of ${WAYS})`,
    `${Math.min(...all).toFixed(1)} s`,
  ])
}

async function addedBy(site: Deployment, flags: string[]): Promise<number> {
  const began = performance.now()
  const { all, beyond } = saidBy(await site.must('redeploy', '--force', ...flags))
  return (performance.now() - began) / 1000 - (all - beyond)
}
