/** The cost of the tool itself: processor time of one command, and the programs that it starts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import process from 'node:process'
import { ROOT } from '../scripts/lib/config/config.mts'
import type { Deployment } from '../tests/lib/deployment.mts'
import { docker } from '../tests/lib/deployment.mts'
import { median } from './measure.mts'

/** Number of measurements; the median counts. */
const TIMES = 3

interface Cost {
  /** Seconds of processor time of the command and its child processes. */
  processor: number
  programs: number
  /** The most frequent programs, each with its number. */
  names: string
}

/** Measures a rollout of all replicas, the whole command. */
export async function cost(site: Deployment): Promise<string[][]> {
  const runs: Cost[] = []
  for (let time = 0; time < TIMES; time++) runs.push(await costOf(site))
  const [last] = runs.slice(-1)
  return [
    [
      'processor time of a rollout, the whole command',
      `${median(runs.map((run) => run.processor)).toFixed(1)} s`,
    ],
    ['programs that it starts', `${median(runs.map((run) => run.programs))} (${last?.names})`],
  ]
}

async function costOf(site: Deployment): Promise<Cost> {
  const counter = spawn('python3', [path.join(ROOT, 'bench/execs.py'), String(process.pid)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(counter.stdout, 'data')
  let counted = ''
  counter.stdout.on('data', (data) => {
    counted += data
  })
  const words = [...site.zx, 'scripts/redeploy.mts', '--config', path.join(site.home, 'config'), '--force']
  const timed = `TIMEFORMAT='processor %U %S'; time "$@"`
  const { stderr } = await docker({ cwd: ROOT })`bash -c ${timed} bash ${words}`
  counter.stdin.end()
  await once(counter, 'close')
  const [, user, system] = /processor ([\d.]+) ([\d.]+)/.exec(stderr) ?? []
  const own = Object.entries(JSON.parse(counted) as Record<string, number>)
  own.sort(([, one], [, other]) => other - one)
  return {
    processor: Number(user) + Number(system),
    programs: own.reduce((sum, [, number]) => sum + number, 0),
    names: own
      .slice(0, 8)
      .map(([name, number]) => `${number} ${name}`)
      .join(', '),
  }
}
