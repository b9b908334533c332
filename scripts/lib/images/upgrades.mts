/** What the archive has that is newer than what is in the base images, and the note of it for verify. */

import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { ownName } from './base.mts'
import type { BaseImages, Service } from './images.mts'

/** Seconds for one image: two fetches of package lists over a slow line. */
const DEADLINE = 300

export interface Upgrade {
  image: string
  name: string
  from: string
  to: string
  /** Where the newer version is: `stable,stable-security`. */
  suites: string
}

/** Looks into each image by a container that is gone afterwards; the archive is asked as the server's own apt asks it. */
export async function scan(host: Host, stack: StackConfig, images: BaseImages): Promise<Upgrade[]> {
  const outputs = await Promise.all(
    Object.entries(images).map(async ([service, image]) => {
      const script = remote('upgrades', { image: ownName(stack, service as Service, image) })
      return parseUpgrades(service, await host.run(`Scanning ${image}`, script, { deadline: DEADLINE }))
    }),
  )
  return outputs.flat()
}

/** @param output a line each: name, version, newer version and where that is, with tabs between */
export function parseUpgrades(image: string, output: string): Upgrade[] {
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
    .map(([name = '', from = '', to = '', suites = '']) => ({ image, name, from, to, suites }))
}

export const noteOf = (stack: StackConfig) => `${stack.folder}/upgrades`

/** Leaves a line on the server for each image: its id, how many upgrades there are, and when that was found. */
export async function record(
  host: Host,
  stack: StackConfig,
  images: BaseImages,
  found: readonly Upgrade[],
): Promise<void> {
  const lines = (Object.entries(images) as [Service, string][]).map(([service, image]) => {
    const number = found.filter((one) => one.image === service).length
    return bash`echo "$(docker image inspect --format '{{.Id}}' ${ownName(stack, service, image)}) ${number} $(date -u +%F)"`
  })
  const content = await host.run('Looking at the base images', join(lines))
  await host.writeFiles([{ path: noteOf(stack), content }])
}
