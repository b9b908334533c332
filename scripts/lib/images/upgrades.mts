/** Newer versions in the archive of packages in the base images, and a note about them for verify. */
import type { StackConfig } from '../config/config.mts'
import { rowsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import { ownName } from './base.mts'
import { type BaseImages, byService } from './images.mts'

/** Seconds for one image: two downloads of package lists on a slow connection. */
const DEADLINE = 300

export interface Upgrade {
  image: string
  name: string
  from: string
  to: string
  /** Suites that have the newer version: `stable,stable-security`. */
  suites: string
}

/** Runs apt in a container of each image, with the server's apt settings. */
export async function scan(host: Host, stack: StackConfig, images: BaseImages): Promise<Upgrade[]> {
  const outputs = await Promise.all(
    byService(images).map(async ([service, image]) => {
      const script = remote('upgrades', { image: ownName(stack, service, image) })
      return parseUpgrades(service, await host.run(`Scanning ${image}`, script, { deadline: DEADLINE }))
    }),
  )
  return outputs.flat()
}

/** @param output what upgrades.sh prints */
export function parseUpgrades(image: string, output: string): Upgrade[] {
  return rowsIn(output).map(([name = '', from = '', to = '', suites = '']) => ({
    image,
    name,
    from,
    to,
    suites,
  }))
}

export const noteOf = (stack: StackConfig) => `${stack.folder}/upgrades`

/** Writes a line to the note for each image: its id, the number of upgrades, and today's date. */
export async function record(
  host: Host,
  stack: StackConfig,
  images: BaseImages,
  found: readonly Upgrade[],
): Promise<void> {
  const lines = byService(images).map(([service, image]) => {
    const number = found.filter((one) => one.image === service).length
    return bash`echo "$(docker image inspect --format '{{.Id}}' ${ownName(stack, service, image)}) ${number} $(date -u +%F)"`
  })
  const content = await host.run('Looking at the base images', join(lines))
  await host.writeFiles([{ path: noteOf(stack), content }])
}
