/** What a client of 100 requests/s sees of faults, and of broken releases whose /status is right. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Deployment, docker } from '../tests/lib/deployment.mts'
import { row, series } from './series.mts'

/** Seconds for which the client continues after the fault, until everything is up again. */
const AFTER = 20
/** Requests per second, and seconds after which the client gives up. */
const CLIENT = { rate: 100, timeout: 5 }

/** Broken releases: the code before which a fault is inserted, the inserted code, and the page that shows the fault. */
const FAILING = {
  'a release that answers /status, and 500 elsewhere (probe.path shows it)': [
    '@app.route("/")\ndef hello():',
    '@app.before_request\ndef broken():\n    if request.path != "/status":\n        return "Sorry", 500\n\n\n',
    '/',
  ],
  'a release that answers 500 on a page which the probe does not ask': [
    '@app.route("/redis-hits")\ndef redis_hits():',
    '@app.route("/redis-hits")\ndef broken():\n    return "Sorry", 500\n\n\n',
    '/redis-hits',
  ],
} as const

export async function failing(site: Deployment, source: string): Promise<string[][]> {
  const rows: string[][] = []
  for (const [what, [before, inserted, page]] of Object.entries(FAILING)) {
    const file = path.join(source, 'app.py')
    const code = readFileSync(file, 'utf8')
    writeFileSync(file, code.replace(before, `${inserted}${before}`))
    const release = async () => {
      const { exitCode, text } = await site.run('redeploy')
      if (exitCode !== 1) throw new Error(`it was rolled out:\n${text}`)
    }
    rows.push(row(what, await series(site, 1, release, { page })))
    writeFileSync(file, code)
  }
  return rows
}

export async function faults(site: Deployment): Promise<string[][]> {
  const [one = '', other = ''] = await site.containers('app')
  const [balancer = ''] = await site.containers('balancer')
  const [front = ''] = await site.containers('lb')
  const done: Record<string, () => Promise<unknown>> = {
    'a replica hangs for 20 s': async () => {
      await docker`docker pause ${one}`
      await sleep(20_000)
      await docker`docker unpause ${one}`
    },
    'a replica is killed': () => kill(one),
    'both replicas are killed': () => Promise.all([kill(one), kill(other)]),
    'HAProxy is killed': () => kill(balancer),
    'nginx is killed': () => kill(front),
  }
  const rows: string[][] = []
  for (const [what, harm] of Object.entries(done)) {
    const seen = await series(site, 1, () => harm().then(() => sleep(AFTER * 1000)), CLIENT)
    const times = seen.failed.map(({ due, took }) => due + took)
    const gap = (Math.max(0, ...times) - Math.min(...seen.failed.map(({ due }) => due))) / 1000
    rows.push([...row(what, seen), seen.failed.length > 0 ? `from first to last: ${gap.toFixed(1)} s` : ''])
  }
  return rows
}

/** Kills a container's process as a crash would: the engine does not take it for a stop by hand. */
async function kill(name: string): Promise<void> {
  const { stdout } = await docker`docker inspect -f ${'{{.State.Pid}}'} ${name}`
  process.kill(Number(stdout), 'SIGKILL')
}
