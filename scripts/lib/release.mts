/** A release: the application's image on the server, named after the source that it was built from. */
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { missingImages } from './images.mts'
import { bash } from './shell.mts'

/** The image of a release: `prusa/app:RELEASE`. */
export function imageOf(stack: StackConfig, release: string): string {
  return `${stack.project}/app:${release}`
}

export async function isBuilt(host: Host, stack: StackConfig, release: string): Promise<boolean> {
  return (await missingImages(host, [imageOf(stack, release)])).length === 0
}

/** @throws OperatorError when the release has no image on the server */
export async function requireBuilt(host: Host, stack: StackConfig, release: string): Promise<void> {
  if (await isBuilt(host, stack, release)) return
  throw new OperatorError(
    `Release ${release} is not built on ${host.name}`,
    'npx zx scripts/02-build.mts',
    'nothing was changed.',
  )
}

/** Removes the images of old releases. What was built and never served is the first to go: it is no way back. */
export async function pruneReleases(
  host: Host,
  stack: StackConfig,
  served: readonly string[],
): Promise<void> {
  const keep = [...new Set(served)].slice(0, stack.rollout.keep_releases)
  const image = `${stack.project}/app`
  await host.run(
    'Pruning old releases',
    bash`
for release in $(docker images ${image} --format '{{.Tag}}'); do
  [[ ${` ${keep.join(' ')} `} == *" $release "* ]] || docker rmi ${image}:$release >/dev/null 2>&1 || true # one in use stays
done`,
  )
}
