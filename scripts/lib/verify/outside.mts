/** What a user sees: requests to the public address over HTTP and HTTPS, the stack's own certificate verified. */
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import https, { type RequestOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { StackConfig } from '../config/config.mts'
import { Site } from '../edge/site.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { containerOf } from '../stack/stack.mts'
import type { Front } from './inside.mts'

/** How many requests show that traffic is balanced. */
const SAMPLE = 100

export interface Seen {
  status: number
  body: string
  location: string
  tls: string
  error: string
}

export interface Outside {
  redirect: Seen
  hello: Seen
  status: Seen
  palindrome: Seen
  hidden: { path: string; status: number; reached: number }[]
  sample: { failed: number; perReplica: Record<string, number> }
  /** Why it was asked through ssh; empty when it was not. */
  notFromHere: string
}

/** Paths of the two blocked endpoints, below them, and other spellings of them. */
const HIDDEN = [
  '/prepare-for-deploy',
  '/ready-for-deploy',
  '/prepare-for-deploy/',
  '/ready-for-deploy/below',
  '//prepare-for-deploy',
  '/./x/../ready-for-deploy',
  '/%70repare%2Dfor-deploy',
]

/** Looks at the site from here; the load balancer's own log then tells which request reached which replica. */
export async function lookFromOutside(host: Host, stack: StackConfig, front: Front): Promise<Outside> {
  const run = randomUUID()
  const [site, notFromHere] = front.https
    ? await Site.reach(host, stack, front)
    : [Site.of(host, stack, front), '']
  const agent = site.agent({ keepAlive: true, maxSockets: 10 })
  const marked = (mark: string) => ({ 'User-Agent': `verify-${run}-${mark}` })
  const secure = (path: string, mark: string) => see(https, site.secure(path, agent, marked(mark)))
  const redirect = await see(http, site.plain('/some?page=1', marked('http')))
  const [hello, status, palindrome] = await Promise.all(
    ['/', '/status', '/palindrom/verify'].map((path) => secure(path, 'page')),
  )
  const hidden = await Promise.all(HIDDEN.map((path, index) => secure(path, `hidden${index}`)))
  // A page that does not answer once need not be waited for a hundred times.
  const asked = hello?.error ? 0 : SAMPLE
  const sample = await Promise.all(Array.from({ length: asked }, () => secure('/', 'sample')))
  agent.destroy()
  const log = await readLog(host, stack, run)
  return {
    notFromHere,
    redirect,
    hello: hello as Seen,
    status: status as Seen,
    palindrome: palindrome as Seen,
    hidden: HIDDEN.map((path, index) => ({
      path,
      status: hidden[index]?.status ?? 0,
      reached: log.filter(({ mark, upstream }) => mark === `hidden${index}` && upstream !== '').length,
    })),
    sample: {
      failed: SAMPLE - sample.filter((seen) => seen.status === 200).length,
      perReplica: tally(log.filter(({ mark }) => mark === 'sample').map(({ upstream }) => upstream)),
    },
  }
}

/** One request; never throws. The path is sent as written. */
function see(protocol: typeof http | typeof https, options: RequestOptions): Promise<Seen> {
  const nothing = { status: 0, body: '', location: '', tls: '', error: '' }
  // Port 0 stands for none, and node would take it for 80 or 443: somebody else's site.
  if (options.port === 0) return Promise.resolve({ ...nothing, error: 'no load balancer runs' })
  return new Promise((resolve) => {
    const request = protocol.get({ ...options, timeout: 10_000 }, (response) => {
      let body = ''
      const tls = (response.socket as TLSSocket).getProtocol?.() ?? ''
      response.on('data', (data) => {
        body += data
      })
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: body.trim(),
          location: response.headers.location ?? '',
          tls,
          error: '',
        }),
      )
    })
    request.on('timeout', () => request.destroy(new Error('no answer within 10 s')))
    request.on('error', (error) => resolve({ ...nothing, error: error.message }))
  })
}

interface Logged {
  mark: string
  /** Address of the replica that answered last; empty when none was asked. */
  upstream: string
}

async function readLog(host: Host, stack: StackConfig, run: string): Promise<Logged[]> {
  const lb = containerOf(stack, 'lb')
  const output = await host.run(
    'Reading the load balancer’s log',
    bash`
docker inspect ${lb} >/dev/null 2>&1 || exit 0
{ docker logs --since 2m ${lb} 2>&1 >&3 3>&- | tail -n 3 >&2; } 3>&1 | { grep -F ${`verify-${run}`} || true; } | jq -r '[.agent, .upstream] | @tsv'`,
  )
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [agent = '', upstream = ''] = line.split('\t')
      return { mark: agent.slice(`verify-${run}-`.length), upstream: upstream.split(', ').at(-1) ?? '' }
    })
}

function tally(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}
