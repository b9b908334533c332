/**
 * The base images of one deployment. It has names of its own for them, so that it keeps what it was built with, whatever
 * another deployment on the engine does to the names that they share.
 */

import { OperatorError } from '../cli/errors.mts'
import type { Doing } from '../cli/live.mts'
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote } from '../host/shell.mts'
import {
  BASE,
  type BaseImages,
  baseImages,
  type ImageMode,
  imageMode,
  provide,
  type Service,
} from './images.mts'

/** What this deployment calls a base image: `prusa/postgres:debian-17-0123abcd`. */
export function ownName(stack: StackConfig, service: Service, image: string): string {
  const tag = image.replace(`prusa-debian/${service}:`, 'debian-').replaceAll(/[^\w.-]/g, '-')
  return `${stack.project}/${service}:${tag.slice(-100).replace(/^[.-]+/, '')}`
}

/** All names that this deployment has for base images in a mode. */
export function ownNames(stack: StackConfig, mode: ImageMode): string[] {
  const images = Object.entries(baseImages(stack, mode)) as [Service, string][]
  return images.map(([service, image]) => ownName(stack, service, image))
}

/** The same for both modes: which one it will be may be open yet. */
export const ownNamesByMode = (stack: StackConfig) => ({
  registry: ownNames(stack, 'registry'),
  debian: ownNames(stack, 'debian'),
})

/**
 * What tells one Python image from another: its id, since a tag may mean a patched one tomorrow.
 * @throws OperatorError when one of the base images is not there
 */
export async function identityOf(host: Host, stack: StackConfig, images: BaseImages): Promise<string> {
  const missing = await adopt(host, stack, images, false)
  if (missing.length === 0) return await identityNow(host, stack, images)
  throw new OperatorError(
    `Base images are not on ${host.name} yet: ${list(missing)}`,
    'npx zx scripts/02-build.mts',
    'nothing was changed.',
  )
}

/** The same of images that are known to be there. */
export async function identityNow(host: Host, stack: StackConfig, images: BaseImages): Promise<string> {
  return (await idOf(host, [ownName(stack, 'python', images.python)])) as string
}

/** What a build would have for the identity, before it gives the images their names; undefined when it has to make the image. */
export async function identityToBe(
  host: Host,
  stack: StackConfig,
  mode: ImageMode,
): Promise<string | undefined> {
  return await idOf(host, pythonNames(stack, mode))
}

/** Names of the Python image that a build would have in a mode, the first of them that is there. */
export function pythonNames(stack: StackConfig, mode: ImageMode): string[] {
  const { python } = baseImages(stack, mode)
  const own = ownName(stack, 'python', python)
  return mode === 'registry' ? [python, own] : [own, python]
}

/** The id of the first of the images that is there. */
async function idOf(host: Host, images: string[]): Promise<string | undefined> {
  const output = await host.run(
    'Looking at the Python image',
    bash`for image in ${images}; do docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true; done`,
  )
  return output.split('\n').find(Boolean)
}

/**
 * Fetches or makes the base images that are missing; returns their names.
 * @param fresh all of them, whatever is there: what runs on the ones before goes on
 * @param doing hears what is just done
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
 * Gives the images this deployment's names; returns those that are not there.
 * @param move whether a name that exists goes over to another image
 */
async function adopt(host: Host, stack: StackConfig, images: BaseImages, move: boolean): Promise<string[]> {
  const pairs = (Object.entries(images) as [Service, string][]).map(
    ([service, image]) => `${image} ${ownName(stack, service, image)}`,
  )
  const script = remote('adopt', { images: pairs.join('\n'), move: move ? 'yes' : 'no' })
  return (await host.run('Looking for the base images', script)).split('\n').filter(Boolean)
}

/** Removes the base images that this deployment needs no more, and what a killed build has left. */
export async function pruneImages(host: Host, stack: StackConfig): Promise<void> {
  const mode = await imageMode(host, stack)
  const keep = [BASE, ...Object.values(baseImages(stack, mode)), ...ownNames(stack, mode)]
  const { folder, project } = stack
  await host.run(
    'Pruning base images',
    join([
      remote('prune', { folder, project, keep: keep.join(' ') }),
      // Where builds were made or cut off since the last time; else the cache is as it was, and to look costs a second.
      bash`[ -e ${folder}/build ] || exit 0; rm -rf ${folder}/build`,
      remote('cache', {}),
    ]),
  )
}

export function describe(missing: string[], mode: ImageMode): string {
  if (missing.length === 0) return 'there: nothing to do'
  return `${mode === 'debian' ? 'made' : 'pulled'} ${list(missing)}`
}
