/** How old the base images are, what was found that is newer, and what still runs on the ones before. */

import { count, list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { noteOf } from '../images/upgrades.mts'

/** Days after which a base image has missed a month of security fixes. */
const OLD = 30
/** Days after which what is known of an image's upgrades is no longer worth much. */
const KNOWN = 7
const UNKNOWN = 20 * 365
const DAY = 24 * 3600 * 1000

const FRESH = 'npm run deploy -- --fresh takes in the fixes, and says before what clients notice.'

/** A line of base.sh, by its first word: `image`, `container` or `upgrades`. */
export type Found = string[]

export async function lookAtBase(host: Host, stack: StackConfig): Promise<Found[]> {
  const script = remote('base', {
    project: stack.project,
    env: `${stack.folder}/compose/stack.env`,
    note: noteOf(stack),
  })
  const output = await host.run('Looking at the base images', script)
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
}

/**
 * Sentences of warning, none when all is well.
 * @param now milliseconds since 1970
 */
export function ageWarnings(found: readonly Found[], now: number): string[] {
  const of = (kind: string) => found.filter(([first]) => first === kind).map(([, ...rest]) => rest)
  const images = of('image').map(([service = '', id = '', created = '']) => ({
    service,
    id,
    days: Math.floor((now - Date.parse(created)) / DAY),
  }))
  // What is built reproducibly says 1970 of itself, or year 1: then nobody knows.
  const old = images.filter(({ days }) => days > OLD && days < UNKNOWN)
  const oldest = Math.max(...old.map(({ days }) => days))
  const notes = of('upgrades').flatMap(([id, number = '0', when = '']) =>
    images
      .filter((one) => one.id === id && Number(number) > 0)
      .map(({ service }) => ({ service, number, when })),
  )
  // An image that was just made has all there is.
  const unasked = images.filter(({ id, days }) => {
    const asked = of('upgrades').filter(([scanned]) => scanned === id)
    const since = asked.map(([, , when = '']) => Math.floor((now - Date.parse(when)) / DAY))
    return days <= OLD && Math.min(days, ...since) > KNOWN
  })
  const current = images.map(({ id }) => id)
  const behind = of('container').filter(([, id = '']) => !current.includes(id))
  return [
    old.length > 0 &&
      `Base images are older than ${OLD} days (${list(old.map(({ service }) => service))}; ${count(oldest, 'day')}): ${FRESH}`,
    notes.length > 0 &&
      `Upgrades are pending for what is in ${list(notes.map(({ service, number }) => `${service} (${number})`))}, as npm run scan found on ${notes[0]?.when}: ${FRESH}`,
    unasked.length > 0 &&
      `For more than ${KNOWN} days nobody has asked for upgrades of what is in ${list(unasked.map(({ service }) => service))}: npm run scan asks the archive.`,
    behind.length > 0 &&
      `${list(behind.map(([name = '']) => name))} still ${behind.length === 1 ? 'runs' : 'run'} on a base image from before: npm run deploy replaces ${behind.length === 1 ? 'it' : 'them'}.`,
  ].filter((sentence) => sentence !== false)
}
