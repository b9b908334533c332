/** What is wrong with the deployment, and the command that helps. */

import { count, seconds } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { gigabytes, taken } from '../server/space.mts'
import { SERVICES, type Service } from '../stack/services.mts'
import { type Alarm, alarm } from './alarm.mts'
import { backupAlarms } from './backups.mts'
import { containerAlarms, replicaAlarms } from './containers.mts'
import { certificateAlarms } from './renewed.mts'
import type { Facts } from './status.mts'

/** The share of the disk and of the memory that should be free, and the bytes of the disk. */
const FREE_DISK = 0.05
const FREE_MEMORY = 0.05
const FREE_BYTES = 1e9
/** The share of failed requests above which there is an alarm, and the least number of them. */
const FAILED = 0.01
const SOME = 3
/** Seconds: a longer transaction blocks tables, and keeps PostgreSQL from cleaning up. */
const LONG = 300
/** The share of the database's connections above which there is an alarm. */
const CONNECTIONS = 0.8

/** All alarms of one host. @param now milliseconds since 1970 */
export function alarmsOf(stack: StackConfig, facts: Facts, now: number): Alarm[] {
  const deployed = facts.containers.length > 0
  return byGravity([
    ...containerAlarms(facts, deployed ? SERVICES : []),
    ...replicaAlarms(facts),
    ...interrupted(facts),
    ...(facts.answers ? [] : silent(facts, 'lb', 'The load balancer does not answer')),
    ...common(stack, facts, now),
    ...maintenance(facts, now),
  ])
}

/**
 * The alarms of one of several hosts, without those that are about all of them.
 * @param services those that Compose runs there
 */
export function alarmsOfOne(
  stack: StackConfig,
  facts: Facts,
  services: readonly Service[],
  now: number,
): Alarm[] {
  return [...containerAlarms(facts, services), ...common(stack, facts, now)]
}

/** The grave ones first. */
export const byGravity = (all: readonly Alarm[]): Alarm[] => [
  ...all.filter(({ grave }) => grave),
  ...all.filter(({ grave }) => !grave),
]

const common = (stack: StackConfig, facts: Facts, now: number): Alarm[] => [
  ...traffic(facts),
  ...database(facts),
  ...(facts.redis ? [] : silent(facts, 'redis', 'Redis does not answer')),
  ...certificateAlarms(stack, facts, now),
  ...backupAlarms(facts, now),
  ...server(facts),
]

function traffic({ traffic, maintenance }: Facts): Alarm[] {
  if (!traffic?.still || maintenance) return []
  if (traffic.failed < SOME || traffic.failed <= traffic.requests * FAILED) return []
  const share = Math.round((traffic.failed / traffic.requests) * 1000) / 10
  return [
    alarm(
      `${share} % of the requests of the last ${seconds(traffic.seconds * 1000)} failed: ${traffic.failed} of ${traffic.requests}`,
      'npm run logs -- --errors --since 5m',
    ),
  ]
}

export function interrupted({ history, lock }: Pick<Facts, 'history' | 'lock'>): Alarm[] {
  const last = history.at(-1)
  if (lock || last?.result !== 'unfinished') return []
  return [
    alarm(
      `The rollout of ${last.to} by ${last.who} was interrupted`,
      'npm run redeploy finishes it, npm run rollback undoes it',
    ),
  ]
}

/** A service that runs and does not answer, unless another alarm says why. */
function silent({ containers }: Facts, service: string, what: string): Alarm[] {
  const one = containers.find((container) => container.service === service)
  if (!one?.running || one.paused || one.health === 'unhealthy') return []
  return [alarm(what, `npm run logs -- ${service}, then: npm run restart -- ${service}`)]
}

function database(facts: Facts): Alarm[] {
  const { database } = facts
  if (!database) return silent(facts, 'db', 'The database does not answer')
  const { connections, most, longest } = database
  const found: Alarm[] = []
  if (connections > most * CONNECTIONS)
    found.push(alarm(`${connections} of ${most} connections to the database are in use`, 'npm run restart'))
  if (longest && longest.seconds > LONG)
    found.push(
      alarm(
        `A transaction of ${longest.user} has been open for ${seconds(longest.seconds * 1000)} (${longest.state})`,
        `npm run psql -- --as admin -c 'SELECT pg_terminate_backend(${longest.pid})'`,
      ),
    )
  return found
}

function server(facts: Facts): Alarm[] {
  const { disk, inodes, mount, takes, memory } = facts
  const found: Alarm[] = []
  if (disk && (disk.free < disk.size * FREE_DISK || disk.free < FREE_BYTES))
    found.push(
      alarm(
        `The server’s disk (${mount}) has ${gigabytes(disk.free)} of ${(disk.size / 1e9).toFixed(0)} GB left${taken(takes)}`,
        MAKE_SPACE,
      ),
    )
  else if (inodes && inodes.free < inodes.size * FREE_DISK)
    found.push(
      alarm(
        `The server’s disk (${mount}) can hold ${count(inodes.free, 'more file')} of ${inodes.size} (inodes)${taken(takes)}`,
        MAKE_SPACE,
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

const MAKE_SPACE =
  'on the server: sudo docker builder prune, sudo docker image prune, and remove what is not needed'

function maintenance({ maintenance }: Facts, now: number): Alarm[] {
  if (!maintenance) return []
  const since = seconds(Math.max(0, now - maintenance.since))
  return [
    alarm(
      `Maintenance has been on for ${since}, by ${maintenance.who}: users get a page with status 503`,
      'npm run maintenance -- off',
    ),
  ]
}
