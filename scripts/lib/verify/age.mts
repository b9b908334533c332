/** The warnings of verify about base images: their age, known upgrades, and containers that run on former images. */

import { count, list } from '../cli/say.mts'
import { daysBetween } from '../cli/time.mts'
import type { StackConfig } from '../config/config.mts'
import { factsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { noteOf } from '../images/upgrades.mts'

/** Days after which a base image lacks a month of security fixes. */
const OLD = 30
/** Days for which the result of a scan is good. */
const KNOWN = 7
const UNKNOWN = 20 * 365

const FRESH = 'npm run deploy -- --fresh takes in the fixes, and says before what clients notice.'

/** The output of base.sh. */
export async function lookAtBase(host: Host, stack: StackConfig): Promise<string> {
  const script = remote('base', {
    project: stack.project,
    env: `${stack.folder}/compose/stack.env`,
    note: noteOf(stack),
  })
  return await host.run('Looking at the base images', script)
}

/**
 * @param output of base.sh
 * @param now    milliseconds since 1970
 */
export function ageWarnings(output: string, now: number): string[] {
  const of = factsIn(output)
  const daysSince = (date: string) => daysBetween(Date.parse(date), now)
  const images = of('image').map(([service = '', id = '', created = '']) => ({
    service,
    id,
    days: daysSince(created),
  }))
  const scans = of('upgrades').map(([id, number = '0', when = '']) => ({ id, number, when }))
  // A reproducible build has the year 1970 or 1 as its date: then the age is unknown.
  const old = images.filter(({ days }) => days > OLD && days < UNKNOWN)
  const pending = scans.flatMap(({ id, number, when }) =>
    images
      .filter((one) => one.id === id && Number(number) > 0)
      .map(({ service }) => ({ service, number, when })),
  )
  // A new image has all upgrades, like one whose last scan is recent.
  const unasked = images.filter(({ id, days }) => {
    const since = scans.filter((scan) => scan.id === id).map(({ when }) => daysSince(when))
    return days <= OLD && Math.min(days, ...since) > KNOWN
  })
  const behind = of('container').filter(([, id]) => !images.some((image) => image.id === id))
  const services = (found: { service: string }[]) => list(found.map(({ service }) => service))
  return [
    old.length > 0 &&
      `Base images are older than ${OLD} days (${services(old)}; ${count(Math.max(...old.map(({ days }) => days)), 'day')}): ${FRESH}`,
    pending.length > 0 &&
      `npm run scan found upgrades on ${pending[0]?.when} for packages in ${list(pending.map(({ service, number }) => `${service} (${number})`))}: ${FRESH}`,
    unasked.length > 0 &&
      `The packages in ${services(unasked)} have not been scanned for more than ${KNOWN} days: npm run scan asks the archive for upgrades.`,
    behind.length > 0 &&
      `${list(behind.map(([name = '']) => name))} still ${behind.length === 1 ? 'runs' : 'run'} on a former base image: npm run deploy replaces ${behind.length === 1 ? 'it' : 'them'}.`,
  ].filter((sentence) => sentence !== false)
}
