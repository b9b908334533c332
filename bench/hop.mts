/** The cost of nginx and HAProxy: requests per second, and time to first byte. */
import { setTimeout as sleep } from 'node:timers/promises'
import { $ } from 'zx'
import { type Deployment, docker } from '../tests/lib/deployment.mts'
import { median } from './measure.mts'

/** Seconds of load for each measurement. */
const LOAD = 8
/** Number of measurements, in turn; the median counts. */
const TIMES = 3
/** Number of requests for each time to first byte. */
const REQUESTS = 400

/** Measures all ways in turn, so that changes of the machine's speed affect all of them. */
export async function hop(site: Deployment): Promise<string[][]> {
  const replicas = (await addresses(site, 'app', 'frontend')).map((address) => `http://${address}:5000/`)
  const [balancer] = await addresses(site, 'balancer', 'edge')
  const ways = {
    'nginx, HAProxy, replicas (HTTPS, kept connections)': [`${site.origin}/`],
    'HAProxy, replicas (HTTP)': [`http://${balancer}:8080/`],
    'both replicas themselves (HTTP)': replicas,
  }
  const rates: Record<string, number[]> = {}
  const firsts: Record<string, number[]> = {}
  for (let time = 0; time < TIMES; time++)
    for (const [way, urls] of Object.entries(ways)) {
      const each = await Promise.all(urls.map((url) => rate(url)))
      rates[way] = [...(rates[way] ?? []), each.reduce((sum, one) => sum + one, 0)]
      firsts[way] = [...(firsts[way] ?? []), await firstByte(urls[0] as string)]
    }
  return Object.keys(ways).map((way) => [
    `requests/s by ${way}; time to first byte at rest, p50`,
    `${median(rates[way] ?? []).toFixed(0)}/s; ${median(firsts[way] ?? []).toFixed(2)} ms`,
  ])
}

/**
 * Requests per second of wrk, closed loop, 32 connections.
 * @param any whether responses may be others than 2xx
 * @throws Error when one is not
 */
export async function rate(url: string, any = false): Promise<number> {
  const { stdout } = await $({ quiet: true })`wrk -t1 -c32 -d${LOAD}s ${url}`
  await sleep(500)
  if (!any && stdout.includes('Non-2xx')) throw new Error(`${url}:\n${stdout}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0)
}

/** Milliseconds, p50, one request after the other on one kept connection. */
async function firstByte(url: string): Promise<number> {
  const urls = Array.from({ length: REQUESTS }, () => ['-o', '/dev/null', url]).flat()
  const format = '%{time_starttransfer} %{time_pretransfer}\n'
  const { stdout } = await $({ quiet: true })`curl -sk -w ${format} ${urls}`
  const times = stdout.trim().split('\n')
  return (
    median(times.map((line) => line.split(' ').map(Number)).map(([first = 0, sent = 0]) => first - sent)) *
    1000
  )
}

/** Addresses of a service's containers on one of the deployment's networks. */
export async function addresses(site: Deployment, service: string, network: string): Promise<string[]> {
  const format = `{{(index .NetworkSettings.Networks "${site.project}_${network}").IPAddress}}`
  const names = await site.containers(service)
  return (await docker`docker inspect -f ${format} ${names}`).stdout.trim().split('\n')
}
