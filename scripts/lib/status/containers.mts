/** What is wrong with a container or a replica, and the command that helps. */

import { count, list, seconds } from '../cli/say.mts'
import { killedWarning } from '../stack/memory.mts'
import type { Service } from '../stack/services.mts'
import { type Alarm, alarm, warning } from './alarm.mts'
import type { Container } from './container.mts'
import type { Facts } from './status.mts'

/** Milliseconds for which a crash is reported. */
const NEWS = 3_600_000
/** Milliseconds: the longest time that the engine waits before it starts a crashed container again. */
const BACKOFF = 60_000
/** A container with so many restarts that runs for so few milliseconds is in a loop of crashes: after these the engine's waits begin anew. */
const LOOP = 3
const SETTLED = 10_000
/** Milliseconds: an older date means never. Docker has the year 1 for what has not happened yet. */
const NEVER = 1e12

/** @param services those that should be there */
export function containerAlarms(facts: Facts, services: readonly Service[]): Alarm[] {
  // During a rollout, replicas start and stop.
  const judged = facts.containers.filter(({ service }) => service !== 'app' || !facts.lock)
  return [
    ...absent(facts, services),
    ...judged.flatMap(ofContainer),
    ...facts.killed.map((one) => killed(one, facts)),
  ]
}

/** What is wrong with the replicas as a whole, and with those that get no requests. */
export const replicaAlarms = (facts: Facts): Alarm[] => [
  ...replicas(facts),
  ...(facts.lock ? [] : tooFew(facts)),
]

/** A service that has no container at all, unless a deploy is about to create it. */
function absent({ containers, lock }: Facts, services: readonly Service[]): Alarm[] {
  const missing = services.filter((service) => !containers.some((one) => one.service === service))
  if (lock || missing.length === 0) return []
  return [alarm(`There is no container of ${list(missing)}`, 'npm run deploy')]
}

/** The word that people type for a container. */
const wordOf = (name: string, service: string) =>
  service === 'app' ? name.replace(/^.*-(app-\d+)$/, '$1') : service

const MORE_MEMORY = 'app.memory in config/stack.yaml, then: npm run redeploy'

function ofContainer(one: Container): Alarm[] {
  const { name, service, running, restarting, restarts, age, error, exitCode } = one
  const word = wordOf(name, service)
  const again = `npm run restart -- ${word}`
  if (error) return [alarm(`${name} could not be started: ${error}`, again)]
  const between = restarting || (!running && restarts > 0 && age < BACKOFF)
  if (between || (running && restarts >= LOOP && age < SETTLED)) {
    const how = one.outOfMemory
      ? 'killed for memory, since it needed more than its limit'
      : running
        ? `${seconds(age)} ago` // the engine forgets the exit code at the next start
        : `with exit code ${exitCode}`
    return [
      alarm(`${name} crashes again and again, the last time ${how}`, remedy(one, `npm run logs -- ${word}`)),
    ]
  }
  if (!running && age > NEVER) return [alarm(`${name} was created but never started`, again)]
  if (!running)
    return [
      alarm(
        `${name} was stopped by hand ${seconds(age)} ago (exit code ${exitCode}); it stays stopped`,
        again,
      ),
    ]
  if (one.paused) return [alarm(`${name} is paused`, again)]
  // The balancer notices an unhealthy replica earlier, and knows the reason.
  if (one.health === 'unhealthy' && service !== 'app')
    return [alarm(`${name} runs, but fails its health check`, `npm run logs -- ${word}, then: ${again}`)]
  return crashed(one, word)
}

type Crash = Pick<Container, 'name' | 'service' | 'restarts' | 'age' | 'outOfMemory'>

/** A container that runs again after a crash. */
export function crashed(one: Crash, word: string): Alarm[] {
  const { name, restarts, age, outOfMemory } = one
  if (restarts === 0 || age > NEWS) return []
  const when = `${seconds(age)} ago (${count(restarts, 'time')} in all)`
  // This crash will come again.
  if (outOfMemory)
    return [
      alarm(
        `${name} was killed for memory ${when}: it needed more than its limit`,
        remedy(one, `npm run logs -- ${word}`),
      ),
    ]
  return [warning(`${name} has crashed, the last time ${when}`, `npm run logs -- ${word} --errors`)]
}

const remedy = ({ service, outOfMemory }: Crash, otherwise: string) =>
  service === 'app' && outOfMemory ? MORE_MEMORY : otherwise

/** A container that runs on after the kernel killed some of its processes. */
function killed(one: Facts['killed'][number], { containers }: Facts): Alarm {
  const service = containers.find(({ name }) => name === one.container)?.service ?? 'app'
  return warning(killedWarning(one), service === 'app' ? MORE_MEMORY : `npm run logs -- ${service} --errors`)
}

function replicas(facts: Facts): Alarm[] {
  const { containers, places, lock } = facts
  const running = facts.replicas.filter((one) => one.running)
  const placeOf = (address: string) => places.find((place) => place.address === address)
  const served = running.filter(({ address }) => placeOf(address)?.up && placeOf(address)?.weight !== 0)
  const runs = (service: string) => containers.some((one) => one.service === service && one.running)
  // A balancer that does not run is reported above.
  if (containers.length === 0 || !runs('balancer')) return []
  const down = served.length > 0 || lock ? [] : [siteDown(running.length)]
  if (lock) return down
  const isTold = (name: string) =>
    containers.some((one) => one.name === name && (one.paused || one.restarting))
  // A balancer that was just started knows no replica yet.
  const out = running
    .filter(({ name, address }) => !isTold(name) && (served.length > 0 || placeOf(address)))
    .flatMap((one) => withoutRequests(one, placeOf(one.address)))
  return [...down, ...out]
}

const siteDown = (running: number) =>
  running > 0
    ? alarm('No replica gets requests: the site answers 503', 'npm run logs -- app balancer --errors')
    : alarm('No replica runs: the site answers 503', 'npm run restart')

/** Milliseconds after its start in which the balancer may not have found a replica yet. */
const FOUND = 10_000

function withoutRequests({ name, age }: Facts['replicas'][number], place?: Facts['places'][number]): Alarm[] {
  const word = wordOf(name, 'app')
  const again = `npm run restart -- ${word}`
  if (place && !place.up)
    return [alarm(`${name} gets no requests: ${place.why}`, `npm run logs -- ${word}, then: ${again}`)]
  if (place?.weight === 0)
    return [alarm(`${name} runs, but gets no requests: a rollout was interrupted`, 'npm run redeploy')]
  if (place || age < FOUND) return []
  return [alarm(`${name} runs, but gets no requests: the balancer does not find it`, again)]
}

/** Replicas that were removed by hand. */
function tooFew({ replicas, wanted }: Facts): Alarm[] {
  const release = replicas.at(-1)?.release
  if (replicas.length >= wanted || !release) return []
  return [
    alarm(
      `Replicas are missing: there is only ${list(replicas.map(({ name }) => name))}, of ${wanted}`,
      `npm run redeploy -- --release ${release}`,
    ),
  ]
}
