/** Brings images from the first host to the others: over the operator's connections, or by way of a registry. */
import { type CommandError, lastLines, OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { onEach } from '../host/each.mts'
import type { Host } from '../host/host.mts'
import { bash, join, type Script } from '../host/shell.mts'
import { copyImages } from './copying.mts'
import { order } from './order.mts'
import { releaseLabel } from './service.mts'
import { lookAtSwarm } from './view.mts'

/** Seconds for all images of a host. */
const DEADLINE = 1800

/**
 * Brings the hosts the images that they do not have, or have another one of, side by side.
 * @param from     has them
 * @param registry by which they go; empty: over the operator's connections
 * @param doing    is told what has arrived, in words
 * @returns what came where, a few words for each host
 */
export async function distribute(
  from: Host,
  hosts: readonly Host[],
  images: readonly string[],
  registry: string,
  doing: (now: string) => void,
): Promise<string[]> {
  const looked = await onEach(hosts, async (host) => [host, await lackingOf(from, host, images)] as const)
  const behind = new Map(looked.filter(([, lacks]) => lacks.length > 0))
  const wanted = [...new Set([...behind.values()].flat())]
  if (registry && wanted.length > 0) {
    doing(`${list(wanted)} to ${registry}`)
    await pushImages(from, registry, wanted)
  }
  const now = new Map<Host, string>()
  const copy = (host: Host, lacks: string[]) =>
    copyImages(from, host, lacks, (arrived) => {
      now.set(host, arrived)
      doing([...now.values()].join(', '))
    })
  return await onEach([...behind.keys()], async (host) => {
    const lacks = behind.get(host) ?? []
    const what = `${list(lacks)} to ${host.name}`
    if (!registry) return `${what} (${await copy(host, lacks)})`
    await pullImages(host, registry, lacks)
    return `${what} by ${registry}`
  })
}

/** The images that a host does not have, or has another one of. */
async function lackingOf(from: Host, to: Host, images: readonly string[]): Promise<string[]> {
  const [there, here] = await Promise.all([idsOf(from, images), idsOf(to, images)])
  return images.filter((_, index) => there[index] !== here[index])
}

/** Puts images into the registry. What it has already is not sent again. */
async function pushImages(from: Host, registry: string, images: readonly string[]): Promise<void> {
  await registered(from, registry, images, bash`docker tag "$image" "$there" && docker push -q "$there"`)
}

/** Gets images from the registry, under their own names. */
async function pullImages(to: Host, registry: string, images: readonly string[]): Promise<void> {
  await registered(to, registry, images, bash`docker pull -q "$there" && docker tag "$there" "$image"`)
}

/** Runs a script for each $image, which is called $there in the registry. That name is gone afterwards, also when it fails. */
async function registered(
  host: Host,
  registry: string,
  images: readonly string[],
  script: Script,
): Promise<void> {
  const all = bash`
for image in ${images}; do
  there=${registry}/$image
  status=0
  { ${script}; } >/dev/null || status=$?
  docker rmi "$there" >/dev/null 2>&1 || true # it is not there if the registry did not answer
  [ $status = 0 ] || exit $status
done`
  await host.run('Asking the registry', all, { deadline: DEADLINE }).catch((error: CommandError) => {
    throw new OperatorError(
      `${host.name} and the registry ${registry}: ${lastLines(error.output ?? error.message, 1)}`,
      'Look at swarm.registry, and log in on each host (docker login); then run the same command again.',
      'the release that runs goes on.',
    )
  })
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
  await order(manager, 'Noting which hosts have the image', join(scripts))
}

/** The id of each image; empty for one that is missing. */
async function idsOf(host: Host, images: readonly string[]): Promise<string[]> {
  const output = await host.run(
    'Looking for images',
    bash`for image in ${images}; do id=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null) || id=; echo "$id"; done`,
  )
  return output.split('\n').map((line) => line.trim())
}
