/** Copies images from one host to another over the operator's connections, without the layers that are there already. */
import { CommandError } from '../cli/errors.mts'
import { megabytes } from '../cli/say.mts'
import type { Host } from '../host/host.mts'
import { bash, remote, type Script } from '../host/shell.mts'

/** Seconds for an image, over a slow connection. */
const DEADLINE = 1800

/**
 * Copies images by docker save and docker load, one after the other: a later one may share layers with an earlier one.
 * @param passed is told what has arrived, in words
 * @returns how much went over the connection, in words
 */
export async function copyImages(
  from: Host,
  to: Host,
  images: readonly string[],
  passed: (now: string) => void,
): Promise<string> {
  let bytes = 0
  const count = (more: number) => {
    bytes += more
    passed(`${to.name} ${megabytes(bytes)}`)
  }
  for (const image of images) {
    const there = await layersThere(from, to, image)
    await copyImage(from, to, image, there, count).catch(async (error) => {
      if (there === 0 || !(error instanceof CommandError)) throw error
      await copyImage(from, to, image, 0, count) // somebody has removed a layer since
    })
  }
  return megabytes(bytes)
}

async function copyImage(
  from: Host,
  to: Host,
  image: string,
  without: number,
  passed: (bytes: number) => void,
): Promise<void> {
  await from.pipe(
    `Copying ${image} to ${to.name}`,
    remote('save-image', { image, without }),
    to,
    bash`docker load >&2; cat >/dev/null`,
    { deadline: DEADLINE, passed },
  )
}

/**
 * How many of the image's first layers the other host has, one on the other. Docker's older store of images does not ask for
 * those again (loadLayer in moby's image/tarexport). The one of containerd does.
 */
async function layersThere(from: Host, to: Host, image: string): Promise<number> {
  const all = bash`
docker info --format '{{.DriverStatus}}' | grep -q io.containerd.snapshotter || docker images -q --no-trunc | sort -u`
  const [[layers = []], theirs] = await Promise.all([layersOf(from, bash`echo ${image}`), layersOf(to, all)])
  const shared = (other: readonly string[]) => {
    const differs = layers.findIndex((layer, index) => layer !== other[index])
    return differs < 0 ? layers.length : differs
  }
  return Math.max(0, ...theirs.map(shared))
}

/** The layers of each image, the lowest first. @param images prints their names */
async function layersOf(host: Host, images: Script): Promise<string[][]> {
  // One may be removed meanwhile.
  const output = await host.run(
    'Looking for layers',
    bash`{ ${images}; } | xargs -r docker image inspect --format '{{range .RootFS.Layers}}{{.}} {{end}}' 2>/dev/null || true`,
  )
  return output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().split(' '))
}
