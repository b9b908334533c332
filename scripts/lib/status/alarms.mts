/** What is out of the ordinary, and the command that helps. Pure: facts in, sentences out. */

import { count, list, seconds } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { killedWarning } from '../stack/memory.mts'
import { SERVICES } from '../stack/services.mts'
import type { Container, Facts } from './status.mts'

export interface Alarm {
  what: string
  /** What to type. */
  next: string
  /** Whether users may notice, or soon will. */
  grave: boolean
}

/** Days: a certificate with less left should have been renewed. */
const RENEWED_BEFORE = 14
/** Share of the disk, and of the memory, that should be free; and bytes of the disk. */
const FREE_DISK = 0.05
const FREE_MEMORY = 0.05
const FREE_BYTES = 1e9
/** Share of requests that fail. */
const FAILED = 0.01
/** Seconds of a transaction: it keeps others from tables, and PostgreSQL from cleaning up. */
const LONG = 300
/** Share of the connections to the database. */
const CONNECTIONS = 0.8
/** Milliseconds for which a crash is news. */
const NEWS = 3_600_000

/** Milliseconds: Docker has the year 1 for what has not been yet. */
const NEVER = 1e12

/** @param now milliseconds since 1970 */
export function alarmsOf(stack: StackConfig, facts: Facts, now: number): Alarm[] {
  const all = [
    ...absent(facts),
    // While somebody changes something, replicas come and go.
    ...facts.containers.filter(({ service }) => service !== 'app' || !facts.lock).flatMap(container),
    ...replicas(stack, facts),
    ...traffic(facts),
    ...rollout(facts),
    ...database(facts),
    ...certificate(facts, now),
    ...server(facts),
    ...facts.killed.map((one) => warning(killedWarning(one), 'npm run logs -- --errors')),
    ...maintenance(facts, now),
  ]
  return [...all.filter(({ grave }) => grave), ...all.filter(({ grave }) => !grave)]
}

const alarm = (what: string, next: string): Alarm => ({ what, next, grave: true })
const warning = (what: string, next: string): Alarm => ({ what, next, grave: false })

/** A service that has no container at all. */
function absent({ containers }: Facts): Alarm[] {
  const missing = SERVICES.filter((service) => !containers.some((one) => one.service === service))
  if (containers.length === 0 || missing.length === 0) return []
  return [alarm(`There is no container of ${list(missing)}`, 'npm run deploy')]
}

function container(one: Container): Alarm[] {
  const { name, service, running, restarting, restarts, age, exitCode, health } = one
  const word = service === 'app' ? name.replace(/^.*-(app-\d+)$/, '$1') : service
  if (restarting || (!running && restarts > 0 && age < 60_000))
    return [
      alarm(
        `${name} ends again and again, the last time with exit code ${exitCode}`,
        `npm run logs -- ${word}`,
      ),
    ]
  if (!running && age > NEVER)
    return [alarm(`${name} was made, but never started`, `npm run restart -- ${word}`)]
  if (!running)
    return [
      alarm(
        `${name} was stopped by hand ${seconds(age)} ago (exit code ${exitCode}); it stays so`,
        `npm run restart -- ${word}`,
      ),
    ]
  if (health === 'unhealthy')
    return [
      alarm(
        `${name} runs, but does not answer its health check`,
        `npm run logs -- ${word}, then: npm run restart -- ${word}`,
      ),
    ]
  if (restarts > 0 && age < NEWS)
    return [
      warning(
        `${name} has crashed, the last time ${seconds(age)} ago (${restarts} in all)`,
        `npm run logs -- ${word} --errors`,
      ),
    ]
  return []
}

function replicas(stack: StackConfig, { replicas, places, lock }: Facts): Alarm[] {
  const running = replicas.filter((one) => one.running)
  const up = running.filter(({ address }) =>
    places.some((place) => place.address === address && place.up && place.weight > 0),
  )
  if (replicas.length > 0 && up.length === 0)
    return [alarm('No replica has requests: the site answers 503', 'npm run logs -- app balancer --errors')]
  if (lock) return []
  return running.flatMap(({ name, address }) => {
    const place = places.find((one) => one.address === address)
    const word = name.slice(stack.project.length + 1)
    if (place && !place.up)
      return [
        alarm(
          `${name} has no requests: ${place.why}`,
          `npm run logs -- ${word}, then: npm run restart -- ${word}`,
        ),
      ]
    if (!place || place.weight === 0)
      return [alarm(`${name} runs, but has no requests: a rollout was cut off`, 'npm run redeploy')]
    return []
  })
}

function traffic({ traffic, maintenance }: Facts): Alarm[] {
  if (!traffic || maintenance || traffic.failed <= traffic.requests * FAILED) return []
  const share = Math.round((traffic.failed / traffic.requests) * 1000) / 10
  return [
    alarm(
      `${share} % of the requests of the last ${seconds(traffic.seconds * 1000)} failed: ${traffic.failed} of ${traffic.requests}`,
      'npm run logs -- --errors --since 5m',
    ),
  ]
}

function rollout({ history, lock }: Facts): Alarm[] {
  const last = history.at(-1)
  if (lock || last?.result !== 'unfinished') return []
  return [
    alarm(
      `The rollout of ${last.to} by ${last.who} was cut off`,
      'npm run redeploy finishes it, npm run rollback undoes it',
    ),
  ]
}

function database({ database, containers }: Facts): Alarm[] {
  const db = containers.find(({ service }) => service === 'db')
  if (!database) return db?.running ? [alarm('The database does not answer', 'npm run logs -- db')] : []
  const { connections, most, longest } = database
  const found: Alarm[] = []
  if (connections > most * CONNECTIONS)
    found.push(alarm(`${connections} of ${most} connections to the database are taken`, 'npm run restart'))
  if (longest && longest.seconds > LONG)
    found.push(
      alarm(
        `A transaction of ${longest.user} is open for ${seconds(longest.seconds * 1000)} (${longest.state})`,
        `npm run psql -- --as admin -c 'SELECT pg_terminate_backend(${longest.pid})'`,
      ),
    )
  return found
}

function certificate({ certificate }: Facts, now: number): Alarm[] {
  if (!certificate) return []
  const days = Math.floor((certificate.ends - now) / 86_400_000)
  if (days >= RENEWED_BEFORE) return []
  const what = days < 0 ? 'The certificate has ended' : `The certificate ends in ${count(days, 'day')}`
  return [alarm(what, 'npx zx scripts/04-stack.mts')]
}

function server({ disk, memory }: Facts): Alarm[] {
  const found: Alarm[] = []
  if (disk && (disk.free < disk.size * FREE_DISK || disk.free < FREE_BYTES))
    found.push(
      alarm(
        `The server’s disk has ${(disk.free / 1e9).toFixed(1)} GB left of ${(disk.size / 1e9).toFixed(0)}`,
        'on the server: sudo docker system df, sudo docker builder prune',
      ),
    )
  if (memory && memory.free < memory.size * FREE_MEMORY)
    found.push(
      alarm(
        `The server has ${Math.round(memory.free / 1e6)} MB of memory left`,
        'on the server: sudo docker stats',
      ),
    )
  return found
}

function maintenance({ maintenance }: Facts, now: number): Alarm[] {
  if (!maintenance) return []
  const since = seconds(Math.max(0, now - maintenance.since))
  return [
    alarm(
      `Maintenance is on for ${since}, by ${maintenance.who}: users get a page with status 503`,
      'npm run maintenance -- off',
    ),
  ]
}
