/** The same rollout by this project and by plain Compose as docker-orchestrate does it, in turn, under load. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { ROOT } from '../scripts/lib/config/config.mts'
import { asked } from '../tests/lib/asking.mts'
import { type Deployment, docker } from '../tests/lib/deployment.mts'
import { median } from './measure.mts'
import { saidBy } from './waits.mts'

/** Number of rollouts by each. */
const TIMES = 3

export async function beside(site: Deployment): Promise<string[][]> {
  const seen: Record<string, { beyond: number; failed: number; p99: number }[]> = {}
  for (let time = 0; time < TIMES; time++)
    for (const [way, roll] of Object.entries({ ours, 'docker-orchestrate’s': byCompose })) {
      let beyond = 0
      const { failed, p99 } = await asked(site, async () => {
        beyond = await roll(site)
      })
      seen[way] = [...(seen[way] ?? []), { beyond, failed: failed.length, p99 }]
    }
  return Object.entries(seen).map(([way, runs]) => [
    `both replicas at once, ${way} way, 200 requests/s: beyond the application's own waits (median of ${TIMES})`,
    `${median(runs.map((run) => run.beyond)).toFixed(1)} s, ${runs.reduce((sum, run) => sum + run.failed, 0)} failed, p99 ${runs.map((run) => run.p99).join(', ')} ms`,
  ])
}

/** Seconds of the whole command beyond the application's own waits. */
async function ours(site: Deployment): Promise<number> {
  const began = performance.now()
  const { all, beyond } = saidBy(await site.must('redeploy', '--force'))
  return (performance.now() - began) / 1000 - (all - beyond)
}

async function byCompose(site: Deployment): Promise<number> {
  const targets = path.join(site.folder, 'targets')
  const [container = ''] = await site.containers('app')
  const label = '{{index .Config.Labels "prusa.target"}}'
  const target = (await docker`docker inspect -f ${label} ${container}`).stdout.trim()
  if (!readdirSync(targets).includes(target)) throw new Error(`no target ${target} in ${targets}`)
  const began = performance.now()
  const env = { ...process.env, SECRETS: 'bench' }
  const run = docker({ cwd: path.join(targets, target), env })
  const { stdout } = await run`bash ${path.join(ROOT, 'bench/scale.sh')} 2 ${`${site.project}_frontend`}`
  return (performance.now() - began) / 1000 - Number(stdout)
}
