/** Brings images from the first host to the others: docker save there, docker load here, over the operator's connections. */
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join } from '../host/shell.mts'
import { releaseLabel } from './service.mts'
import { lookAtSwarm } from './view.mts'

/** Seconds for all images of a host, over a slow connection. */
const DEADLINE = 1800

/**
 * Copies the images that a host does not have, or has another one of.
 * @param passed is told what has arrived, in words
 * @returns the names of the images that were copied
 */
export async function bringImages(
  from: Host,
  to: Host,
  images: readonly string[],
  passed: (now: string) => void,
): Promise<string[]> {
  const [there, here] = await Promise.all([idsOf(from, images), idsOf(to, images)])
  const lacking = images.filter((_, index) => there[index] !== here[index])
  if (lacking.length === 0) return []
  let bytes = 0
  await from.pipe(
    `Copying ${list(lacking)} to ${to.name}`,
    bash`docker save ${lacking}`,
    to,
    bash`docker load >&2; cat >/dev/null`,
    {
      deadline: DEADLINE,
      passed: (more) => {
        bytes += more
        passed(`${to.name} ${Math.round(bytes / 1e6)} MB`)
      },
    },
  )
  return lacking
}

/** Notes that hosts have the image of a release: only those get replicas of it. */
export async function noteImages(
  manager: Host,
  stack: StackConfig,
  hosts: readonly Host[],
  release: string,
): Promise<void> {
  const label = releaseLabel(stack, release)
  const { members } = await lookAtSwarm(manager, stack)
  const lacking = members.filter(
    ({ name, labels }) => labels[label] !== 'yes' && hosts.some(({ address }) => address === name),
  )
  if (lacking.length === 0) return
  const scripts = lacking.map(
    ({ id }) => bash`docker node update --label-add ${`${label}=yes`} ${id} >/dev/null`,
  )
  await manager.run('Noting which hosts have the image', join(scripts))
}

/** The id of each image; empty for one that is missing. */
async function idsOf(host: Host, images: readonly string[]): Promise<string[]> {
  const output = await host.run(
    'Looking for images',
    bash`for image in ${images}; do id=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null) || id=; echo "$id"; done`,
  )
  return output.split('\n').map((line) => line.trim())
}
