/**
 * The client of the bench and of the faults: an open loop in its own process. A real client has its own machine and
 * reaches the site through the kernel. Here it shares the processors with the site, and a process of Docker (docker-proxy)
 * forwards the published port. Both processes get a high priority: else their delays would count as the site's.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { $, glob } from 'zx'
import { Site, type SiteLocation } from '../../scripts/lib/edge/site.mts'
import { Probe, type Sample, type Summary, summarize } from '../../scripts/lib/proof/probe.mts'
import { until } from './until.mts'
import { LOADER } from './zx.mts'

/** Requests per second, half of them on fresh connections. */
export const RATE = 200
/** Niceness; -20 is the highest priority. */
const FIRST = -15
/** Milliseconds in which Node compiles the client; they do not count. */
const WARM_UP = 2000
/** Milliseconds after which the client tells what it has seen meanwhile. */
const NEWS = 50

export interface Asking {
  page: string
  /** Requests per second. */
  rate: number
  /** Seconds after which the client gives up. */
  timeout: number
}

/** The site that is asked. */
interface Asked {
  site: { location: SiteLocation }
  /** A command that prints the installed certificate. */
  certificateFrom: string[]
}

const WISHED = { page: '/', rate: RATE, timeout: 10 }

/** A client that asks until it is stopped; meanwhile it may rest. */
export class Client {
  /** Of the requests that have ended, in the order of their ends. */
  readonly samples: Sample[] = []
  readonly #ended: Promise<unknown>

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly rate: number,
  ) {
    this.#ended = once(child, 'close')
  }

  /** Returns when the first requests have been answered. */
  static async start({ site, certificateFrom }: Asked, wished: Partial<Asking> = {}): Promise<Client> {
    const { location } = site
    await publishFirst(location.https)
    const argv = ['-n', String(FIRST), process.execPath, LOADER, fileURLToPath(import.meta.url)]
    const asking = { ...WISHED, ...wished }
    const child = spawn('nice', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    const client = new Client(child, asking.rate)
    createInterface({ input: child.stdout }).on('line', (line) => client.samples.push(...JSON.parse(line)))
    child.stdin.write(`${JSON.stringify({ location, certificateFrom, asking })}\n`)
    await until('the client asks', () => client.samples.length > 0)
    return client
  }

  /** The requests that were due in the last milliseconds, from this moment on; waits until all of them have ended. */
  async since(moment: number): Promise<Sample[]> {
    const now = Date.now()
    const due = () => this.samples.filter((one) => one.due >= moment && one.due < now)
    const expected = Math.floor(((now - moment) / 1000) * this.rate) - 1
    await until('all requests have ended', () => due().length >= expected)
    return due()
  }

  /** Sends no more requests until it asks again. */
  rest(): void {
    this.child.stdin.write('rest\n')
  }

  /** Asks again, if it rests; returns when a request from now on has been answered. */
  async ask(): Promise<void> {
    const now = Date.now()
    this.child.stdin.write('ask\n')
    await until('the client asks', () => this.samples.some(({ due, error }) => due >= now && !error))
  }

  /** Waits for the open requests; returns all. */
  async stop(): Promise<Sample[]> {
    this.child.stdin.end()
    await this.#ended
    return this.samples
  }
}

/** Sends requests to the site while the work is done; returns a summary of the responses. */
export async function asked(
  site: Asked,
  work: () => Promise<unknown>,
  asking: Partial<Asking> = {},
): Promise<Summary> {
  const client = await Client.start(site, asking)
  try {
    await work()
  } finally {
    await client.stop()
  }
  return summarize(client.samples)
}

/** Gives Docker's processes for the site's port the same priority; each thread has its own niceness. */
async function publishFirst(port: number): Promise<void> {
  for (const file of await glob('/proc/[0-9]*/cmdline', { onlyFiles: false })) {
    const argv = commandOf(file)
    if (!argv[0]?.endsWith('docker-proxy') || !argv.includes(String(port))) continue
    const threads = (
      await glob(file.replace('cmdline', 'task/*'), { onlyFiles: false, onlyDirectories: true })
    ).map((task) => task.split('/').at(-1) as string)
    await $({ quiet: true, nothrow: true })`renice -n ${FIRST} -p ${threads}`
  }
}

function commandOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\0')
  } catch {
    return [] // it has ended
  }
}

/** The client's own process: reads the site from standard input, then sends requests, with rests, until its input ends. */
async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const { location, certificateFrom, asking } = JSON.parse((await lines.next()).value) as {
    location: SiteLocation
    certificateFrom: string[]
    asking: Asking
  }
  const site = new Site(location, async () => (await $({ quiet: true })`${certificateFrom}`).stdout)
  const start = () => new Probe({ site, path: asking.page, ...asking }).start()
  let probe: Probe | undefined = start()
  await new Promise((resolve) => setTimeout(resolve, WARM_UP))
  const began = Date.now()
  const tell = () => {
    const ended = probe?.samples.splice(0).filter(({ due }) => due >= began) ?? []
    if (ended.length > 0) process.stdout.write(`${JSON.stringify(ended)}\n`)
  }
  const rest = async () => {
    await probe?.stop()
    tell()
    probe = undefined
  }
  const telling = setInterval(tell, NEWS)
  for await (const order of lines) {
    if (order === 'rest') await rest()
    else probe ??= start()
  }
  await rest()
  clearInterval(telling)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
