/**
 * The base images of one deployment. A deployment tags them with its own names, so that it keeps them whatever another
 * deployment on the engine does with the shared names.
 */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { Doing } from '../cli/live.mts'
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import {
  BASE,
  type BaseImages,
  baseImages,
  byService,
  type ImageMode,
  imageMode,
  provide,
  type Service,
} from './images.mts'

/** This deployment's own name of a base image: `prusa/postgres:debian-17-0123abcd`. */
export function ownName(stack: StackConfig, service: Service, image: string): string {
  const tag = image.replace(`prusa-debian/${service}:`, 'debian-').replaceAll(/[^\w.-]/g, '-')
  return `${stack.project}/${service}:${tag.slice(-100).replace(/^[.-]+/, '')}`
}

/** All own names of base images in a mode. */
export function ownNames(stack: StackConfig, mode: ImageMode): string[] {
  return byService(baseImages(stack, mode)).map(([service, image]) => ownName(stack, service, image))
}

/** The own names in both modes, while the mode is not decided yet. */
export const ownNamesByMode = (stack: StackConfig) => ({
  registry: ownNames(stack, 'registry'),
  debian: ownNames(stack, 'debian'),
})

/**
 * The id of the Python image, which is part of a release's name: a tag may mean another image tomorrow.
 * @throws OperatorError when a base image is missing
 */
export async function identityOf(host: Host, stack: StackConfig, images: BaseImages): Promise<string> {
  const missing = await adopt(host, stack, images, false)
  if (missing.length === 0) return await identityNow(host, stack, images)
  throw new OperatorError(
    `Base images are missing on ${host.name}: ${list(missing)}`,
    'npx zx scripts/02-build.mts',
    NOTHING_CHANGED,
  )
}

/** The id of the Python image when all base images exist. */
export async function identityNow(host: Host, stack: StackConfig, images: BaseImages): Promise<string> {
  return (await idOf(host, [ownName(stack, 'python', images.python)])) as string
}

/** The id of the Python image that a build would use; undefined if the build has to get the image first. */
export async function identityToBe(
  host: Host,
  stack: StackConfig,
  mode: ImageMode,
): Promise<string | undefined> {
  return await idOf(host, pythonNames(stack, mode))
}

/** The names under which a build looks for the Python image, in this order. */
export function pythonNames(stack: StackConfig, mode: ImageMode): string[] {
  const { python } = baseImages(stack, mode)
  const own = ownName(stack, 'python', python)
  return mode === 'registry' ? [python, own] : [own, python]
}

/** The id of the first image that exists. */
async function idOf(host: Host, images: string[]): Promise<string | undefined> {
  const ids = await host.lines(
    'Looking for the Python image',
    bash`docker image inspect --format '{{.Id}}' ${images} 2>/dev/null || true`,
  )
  return ids[0]
}

/**
 * Pulls or makes missing base images.
 * @param fresh pull or make all of them again; containers go on with the old ones
 * @param doing is told the current step
 * @returns the names of the images that it pulled or made
 */
export async function ensureBaseImages(
  host: Host,
  stack: StackConfig,
  mode: ImageMode,
  fresh = false,
  doing: Doing = () => {},
): Promise<string[]> {
  const images = baseImages(stack, mode)
  const missing = fresh ? Object.values(images) : await adopt(host, stack, images, mode === 'registry')
  if (missing.length === 0) return []
  const brought = mode === 'debian' ? [BASE, ...missing] : missing
  await host.run(
    'Noting the base images',
    bash`mkdir -p -m 700 ${stack.folder}; printf '%s\n' ${brought} >>${stack.folder}/base-images`,
  )
  await provide(host, stack, mode, missing, fresh, doing)
  await adopt(host, stack, images, true)
  return missing
}

/**
 * Tags the images with this deployment's own names.
 * @param move whether an own name that exists moves to the current image
 * @returns the images that are missing
 */
async function adopt(host: Host, stack: StackConfig, images: BaseImages, move: boolean): Promise<string[]> {
  const names = byService(images).map(([service, image]) => `${image} ${ownName(stack, service, image)}`)
  const script = remote('adopt', { images: names.join('\n'), move: move ? 'yes' : 'no' })
  return await host.lines('Looking for the base images', script)
}

/** Removes base images that this deployment does not need any more, and what a killed build has left. */
export async function pruneImages(host: Host, stack: StackConfig): Promise<void> {
  const mode = await imageMode(host, stack)
  const keep = [BASE, ...Object.values(baseImages(stack, mode)), ...ownNames(stack, mode)]
  const { folder, project } = stack
  await host.run(
    'Pruning base images',
    join([
      remote('prune', { folder, project, keep: keep.join(' ') }),
      // Only after a build: else the cache has not changed, and to read it takes a second.
      bash`[ -e ${folder}/build ] || exit 0; rm -rf ${folder}/build`,
      remote('cache', {}),
    ]),
  )
}
