/** What a user sees: requests to the public address over HTTP and HTTPS. The certificate is verified. */
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import https, { type RequestOptions } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { StackConfig } from '../config/config.mts'
import { Site } from '../edge/site.mts'
import { rowsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { containerOf } from '../stack/stack.mts'
import type { Front } from './inside.mts'

/** How many requests show that traffic is balanced. */
const SAMPLE = 100
/** How often they are sent at most, and milliseconds in between: a replica may be out for a moment. */
const SAMPLES = 3
const PAUSE = 1000

/** An answer of the site. */
export interface Seen {
  /** 0: no answer. */
  status: number
  body: string
  /** The header Location. */
  location: string
  /** The version of TLS; empty over HTTP. */
  tls: string
  error: string
}

export interface Outside {
  redirect: Seen
  hello: Seen
  status: Seen
  palindrome: Seen
  /** Requests to the blocked endpoints, and how many of each reached a replica. */
  hidden: { path: string; status: number; reached: number }[]
  sample: Sample
  /** Why the requests went through ssh; empty when they did not. */
  throughSsh: string
}

/** How many requests failed, why, and how many each replica answered, by its address. */
interface Sample {
  failed: number
  why: string[]
  perReplica: Record<string, number>
}

/** The two blocked endpoints, paths below them, and other spellings. */
const HIDDEN = [
  '/prepare-for-deploy',
  '/ready-for-deploy',
  '/prepare-for-deploy/',
  '/ready-for-deploy/below',
  '//prepare-for-deploy',
  '/./x/../ready-for-deploy',
  '/%70repare%2Dfor-deploy',
]

/** Sends requests to the site. The load balancer's log then tells which of them reached which replica. */
export async function lookFromOutside(host: Host, stack: StackConfig, front: Front): Promise<Outside> {
  const run = randomUUID()
  const [site, throughSsh] = front.https
    ? await Site.reach(host, stack, front)
    : [Site.of(host, stack, front), '']
  const agent = site.agent({ keepAlive: true, maxSockets: 10 })
  const marked = (mark: string) => ({ 'User-Agent': `verify-${run}-${mark}` })
  const secure = (path: string, mark: string) => see(https, site.secure(path, agent, marked(mark)))
  const redirect = await see(http, site.plain('/some?page=1', marked('http')))
  const [hello, status, palindrome] = await Promise.all([
    secure('/', 'page'),
    secure('/status', 'page'),
    secure('/palindrom/verify', 'page'),
  ])
  const hidden = await Promise.all(HIDDEN.map((path, index) => secure(path, `hidden${index}`)))
  // When the page does not answer once, a hundred more requests would only wait.
  const { sample, log } = hello.error
    ? { sample: { failed: SAMPLE, why: [], perReplica: {} }, log: await readLog(host, stack, run) }
    : await sampleOf(host, stack, run, (mark) => secure('/', mark))
  agent.destroy()
  return {
    throughSsh,
    redirect,
    hello,
    status,
    palindrome,
    hidden: HIDDEN.map((path, index) => ({
      path,
      status: hidden[index]?.status ?? 0,
      reached: log.filter(({ mark, upstream }) => mark === `hidden${index}` && upstream !== '').length,
    })),
    sample,
  }
}

/**
 * Asks for a page until the replicas have answered evenly, or a request has failed.
 * @param ask gets a mark for the log
 * @returns the last sample, and the log after it
 */
async function sampleOf(
  host: Host,
  stack: StackConfig,
  run: string,
  ask: (mark: string) => Promise<Seen>,
): Promise<{ sample: Sample; log: Logged[] }> {
  for (let number = 1; ; number++) {
    const name = `sample${number}`
    const seen = await Promise.all(Array.from({ length: SAMPLE }, () => ask(name)))
    const wrong = seen.filter(({ status }) => status !== 200)
    const why = [...new Set(wrong.map(({ status, error }) => error || `answered ${status}`))]
    const log = await readLog(host, stack, run)
    const perReplica = tally(log.filter(({ mark }) => mark === name).map(({ upstream }) => upstream))
    if (wrong.length > 0 || isEven(perReplica, stack.app.replicas) || number === SAMPLES)
      return { sample: { failed: wrong.length, why, perReplica }, log }
    await sleep(PAUSE)
  }
}

/** Whether so many replicas have answered, none of them more than twice as often as another. */
export function isEven(perReplica: Record<string, number>, replicas: number): boolean {
  const shares = Object.values(perReplica)
  return shares.length === replicas && shares.length > 1 && Math.min(...shares) * 2 >= Math.max(...shares)
}

/** Sends one request, with the path as it is written. It never fails: an error is part of the result. */
function see(protocol: typeof http | typeof https, options: RequestOptions): Promise<Seen> {
  const nothing = { status: 0, body: '', location: '', tls: '', error: '' }
  // Port 0 means that no load balancer runs. Node would take it for 80 or 443, which may be another site.
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

/** A request in the load balancer's log. */
interface Logged {
  mark: string
  /** The address of the last replica that got the request; empty: none did. */
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
  return rowsIn(output).map(([agent = '', upstream = '']) => ({
    mark: agent.slice(`verify-${run}-`.length),
    upstream: upstream.split(', ').at(-1) ?? '',
  }))
}

/** How often each value occurs. */
function tally(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1
  return counts
}
