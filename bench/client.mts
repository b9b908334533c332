/**
 * The client of the bench: 200 requests/s, open loop, in its own process. A real client has its own machine and reaches
 * the site through the kernel. Here it shares the processors with the site, and a process of Docker (docker-proxy) forwards
 * the published port. Both processes get a high priority: else their delays would count as the site's.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { $, glob } from 'zx'
import { Site, type SiteLocation } from '../scripts/lib/edge/site.mts'
import { Probe, type Summary, summarize } from '../scripts/lib/proof/probe.mts'
import type { Deployment } from '../tests/lib/deployment.mts'

/** Requests per second, half of them on fresh connections. */
export const RATE = 200
/** Niceness; -20 is the highest priority. */
const FIRST = -15
/** Milliseconds in which Node compiles the client; they do not count. */
const WARM_UP = 2000

export interface Asking {
  page: string
  /** Requests per second. */
  rate: number
  /** Seconds after which the client gives up. */
  timeout: number
}

/** Sends requests to the site while the work is done; returns a summary of the responses. */
export async function asked(
  site: Deployment,
  work: () => Promise<unknown>,
  asking: Partial<Asking> = {},
): Promise<Summary> {
  await publishFirst(site)
  const argv = ['-n', String(FIRST), process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)]
  const client = spawn('nice', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  client.stdout.on('data', (data) => {
    output += data
  })
  const { location } = site.site
  client.stdin.write(`${JSON.stringify({ location, certificate: site.certificate, asking })}\n`)
  await once(client.stdout, 'data')
  const ended = once(client, 'exit')
  try {
    await work()
  } finally {
    client.stdin.end()
    await ended
  }
  return JSON.parse(output.split('\n')[1] as string)
}

/** Gives Docker's processes for the ports of this deployment the same priority; each thread has its own niceness. */
async function publishFirst(site: Deployment): Promise<void> {
  for (const file of await glob('/proc/[0-9]*/cmdline', { onlyFiles: false })) {
    const argv = commandOf(file)
    if (!argv[0]?.endsWith('docker-proxy') || !argv.includes(String(site.ports.https))) continue
    const threads = (
      await glob(file.replace('cmdline', 'task/*'), { onlyFiles: false, onlyDirectories: true })
    ).map((task) => task.split('/').at(-1) as string)
    await $({ quiet: true })`renice -n ${FIRST} -p ${threads}`
  }
}

function commandOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0')
  } catch {
    return [] // it has ended
  }
}

/** The client's own process: reads the site from standard input, then sends requests until its input ends. */
async function main(): Promise<void> {
  const [line] = (await once(process.stdin, 'data')) as [Buffer]
  const { location, certificate, asking } = JSON.parse(String(line)) as {
    location: SiteLocation
    certificate: string
    asking: Partial<Asking>
  }
  const site = new Site(location, async () => certificate)
  const { page = '/', rate = RATE, timeout = 10 } = asking
  const probe = new Probe({ site, path: page, rate, timeout }).start()
  await new Promise((resolve) => setTimeout(resolve, WARM_UP))
  const began = Date.now()
  process.stdout.write('asking\n')
  process.stdin.resume()
  await once(process.stdin, 'end')
  const samples = await probe.stop()
  process.stdout.write(`${JSON.stringify(summarize(samples.filter(({ due }) => due >= began)))}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
