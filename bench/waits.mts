/** What a rollout takes beyond the time in which it waits for the application. */
import type { Deployment } from '../tests/lib/deployment.mts'
import { startSshd } from './sshd.mts'

/** Rollouts here and over ssh each. */
const WAYS = 4
/** Seconds that the application takes to warm up and to drain: for many rollouts, and for what one takes in all. */
export const [SHORT, LONG] = [
  { MINIMAL_WARMUP: '2', MINIMAL_DRAIN: '1-3' },
  { MINIMAL_WARMUP: '10', MINIMAL_DRAIN: '5-15' },
]

/** Seconds of a rollout beyond the application's own waits, from what it says itself. */
export async function added(site: Deployment): Promise<string[][]> {
  const rows: string[][] = []
  for (const [replicas, surge, environment] of [
    [2, 'all', SHORT],
    [2, 'all', LONG],
    [2, 1, LONG],
    [16, 'all', LONG],
  ] as const) {
    site.configure({ app: { replicas, environment }, rollout: { surge } })
    const scaled = await site.run('redeploy')
    if (scaled.exitCode !== 0) throw new Error(scaled.text)
    const { text } = await site.run('redeploy', '--force')
    const [, all = '', own = ''] = / in ([\d.]+) s \(([\d.]+) s of it/.exec(text) ?? []
    const { MINIMAL_WARMUP: warmup, MINIMAL_DRAIN: drain } = environment
    rows.push([
      `${replicas} replicas, surge ${surge}, ${warmup} s of warm-up, ${drain} s of draining: beyond these`,
      `${(Number(all) - Number(own)).toFixed(1)} s (${all} s in all)`,
    ])
  }
  site.configure({ app: { replicas: 2, environment: SHORT }, rollout: { surge: 'all' } })
  await site.run('redeploy')
  return rows
}

/** The same rollout here and over ssh, in turn; the application's own waits taken off, since its draining is a lottery. */
export async function overSsh(site: Deployment): Promise<string[][]> {
  const sshd = await startSshd()
  site.configure({ ssh_config: sshd.sshConfig, rollout: { surge: 'all' } })
  const ways: Record<string, string[]> = { here: [], 'over ssh': ['--host', sshd.host] }
  const added: Record<string, number[]> = { here: [], 'over ssh': [] }
  try {
    for (let round = 0; round < WAYS; round++)
      for (const [way, flags] of Object.entries(ways)) added[way]?.push(await addedBy(site, flags))
  } finally {
    sshd.stop()
  }
  return Object.entries(added).map(([way, all]) => [
    `the whole command ${way}, beyond the application's own waits (least of ${WAYS})`,
    `${Math.min(...all).toFixed(1)} s`,
  ])
}

async function addedBy(site: Deployment, flags: string[]): Promise<number> {
  const began = performance.now()
  const { exitCode, text } = await site.run('redeploy', '--force', ...flags)
  const seconds = (performance.now() - began) / 1000
  if (exitCode !== 0) throw new Error(text)
  return seconds - Number(/\(([\d.]+) s of it/.exec(text)?.[1])
}
