/** The screen of `npm run status`: the facts as text. */

import { count, list, seconds } from '../cli/say.mts'
import { table } from '../cli/table.mts'
import { day, minute } from '../cli/time.mts'
import type { StackConfig } from '../config/config.mts'
import type { Place } from '../edge/balancer.mts'
import type { Entry } from '../proof/history.mts'
import { backupLine } from './backups.mts'
import type { Differs } from './checkout.mts'
import type { Container } from './container.mts'
import type { Facts, Space } from './status.mts'

/** The parts of the screen. */
export interface Shown {
  /** Sentences. */
  release: string[]
  /** Of several hosts. */
  hosts?: Rows
  replicas: Rows
  services: Rows
  /** Lines, each with its name at the beginning. */
  server: string[]
}

/** A table. */
export interface Rows {
  head: string[]
  rows: string[][]
}

export function shown(stack: StackConfig, facts: Facts, differs: Differs): Shown {
  return {
    release: release(facts),
    replicas: replicaRows(facts, differs),
    services: { head: SERVICE, rows: serviceRows(facts) },
    server: server(stack, facts),
  }
}

/** All parts as one text. */
export function screen({ release, hosts, replicas, services, server }: Shown): string {
  const tables = [hosts, replicas, services].flatMap((one) => (one ? [table(one.head, one.rows), ''] : []))
  return [...release, '', ...tables, ...server].join('\n')
}

/** The release that serves, since when, by whom and from which commit; the last rollout; the run that holds the lock. */
export function release({ replicas, history, revisions, lock, step }: Facts): string[] {
  const running = replicas.filter((one) => one.running)
  const releases = [...new Set(running.map((one) => one.release))]
  const target = running[0]?.target ?? ''
  const came = history.findLast(
    ({ result, to, toTarget }) => result === 'released' && (toTarget ?? to) === target,
  )
  const commit = revisions[target]
  const told = [
    `release ${list(releases) || 'none'}`,
    came && `since ${minute(came.when)} UTC by ${came.who}`,
    commit && `from commit ${commit.slice(0, 12)}${commit.endsWith('-changed') ? ' and changes' : ''}`,
  ]
  const last = history.findLast(({ result }) => result !== 'unfinished')
  return [
    told.filter(Boolean).join(', '),
    ...(last ? [`last rollout ${proofOf(last)}`] : []),
    ...(lock ? [`under way: ${lock}${step && `, now: ${step}`}`] : []),
  ]
}

function proofOf({ from, to, result, when, requests, failed, slowestMs, seconds: took }: Entry): string {
  const counted =
    requests === undefined
      ? 'the probe did not run'
      : `${count(requests, 'request')}, ${failed ?? 0} failed, slowest ${slowestMs ?? 0} ms`
  return `${from || 'none'} → ${to} at ${minute(when)} UTC: ${result} in ${took.toFixed(1)} s; ${counted}`
}

function replicaRows({ replicas, containers, places }: Facts, differs: Differs): Rows {
  const rows = replicas.map((one) => {
    const container = containers.find(({ name }) => name === one.name)
    const place = places.find(({ address }) => one.running && address === one.address)
    return [
      one.name,
      one.release,
      ...stateOf(container, place && (place.up ? 'OK' : place.why)),
      requestsOf(place),
      asConfigured(differs(one)),
    ]
  })
  return { head: ['replica', 'release', ...STATE, 'requests', 'as configured'], rows }
}

/** @param difference from this checkout; undefined: not known */
export const asConfigured = (difference: string | undefined) =>
  difference === undefined ? 'not known' : difference || 'yes'

/** All services but the application. */
export const serviceRows = (facts: Facts): string[][] =>
  facts.containers
    .filter(({ service }) => service !== 'app')
    .map((one) => [one.service, ...stateOf(one), detailOf(one, facts)])

export const STATE = ['state', 'health', 'crashes', 'memory', 'processor']
/** The texts for these columns. */
type State = [state: string, health: string, crashes: string, memory: string, processor: string]
export const SERVICE = ['service', ...STATE, '']

/** @param health the text for a container without a health check */
export function stateOf(container?: Container, health = '-'): State {
  if (!container) return ['', '', '', '', '']
  const { running, paused, age, exitCode, restarts, memory, cpu } = container
  return [
    running ? `${paused ? 'paused' : 'up'} ${seconds(age)}` : `stopped (exit code ${exitCode})`,
    container.health || health,
    String(restarts),
    memory === undefined ? '-' : bytes(memory),
    cpu === undefined ? '-' : `${cpu.toFixed(0)} %`,
  ]
}

/** Whether HAProxy sends requests to a place, in words. */
export function requestsOf(place: Place | undefined): string {
  if (!place) return 'no'
  const { up, busy, weight } = place
  const held = `${busy} under way`
  if (weight === 0) return `no, drains, ${held}`
  if (!up) return 'no, down'
  return weight === 100 ? `yes, ${held}` : `yes, ${weight} % of a share, ${held}`
}

function detailOf({ service }: Container, { traffic, database, redis }: Facts): string {
  if (service === 'lb') {
    if (!traffic) return 'no request in the last five minutes'
    const { requests, failed, p50, p99, seconds: span } = traffic
    const rate = requests / Math.max(1, span)
    return `${rate.toFixed(1)} requests/s, ${((failed / requests) * 100).toFixed(1)} % failed, p50 ${ms(p50)}, p99 ${ms(p99)} (last ${seconds(span * 1000)})`
  }
  if (service === 'db' && database) {
    const { bytes: size, connections, most, longest } = database
    return `${bytes(size)}, ${connections} of ${most} connections, longest transaction ${longest ? `${longest.seconds} s` : 'none'}`
  }
  return service === 'redis' && redis ? `${bytes(redis.bytes)}, ${count(redis.keys, 'key')}` : ''
}

/** What is not about a container. */
export function server({ ports }: StackConfig, facts: Facts): string[] {
  const { certificate, disk, memory, maintenance } = facts
  const ends = certificate && day(certificate.ends)
  return [
    certificate
      ? `certificate ${certificate.selfSigned ? 'self-signed' : `by ${certificate.issuer}`}, ends on ${ends}`
      : '',
    disk ? `disk        ${spaceOf(disk)}` : '',
    memory ? `memory      ${spaceOf(memory)}` : '',
    `ports       ${ports.http}, ${ports.https}; database on 127.0.0.1:${ports.db}`,
    backupLine(facts),
    maintenance ? `maintenance on, by ${maintenance.who}` : '',
  ].filter(Boolean)
}

export const spaceOf = ({ free, size }: Space) => `${bytes(free)} free of ${bytes(size)}`

const ms = (took: number) => `${Math.round(took * 1000)} ms`

/** `48 MB`, `1.2 GB`. */
function bytes(number: number): string {
  return number >= 1e9 ? `${(number / 1e9).toFixed(1)} GB` : `${Math.round(number / 1e6)} MB`
}
