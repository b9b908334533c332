/** A release: the application's image on the server, named after the source that it was built from. */

import { OperatorError } from '../cli/errors.mts'
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, remote } from '../host/shell.mts'
import { missingImages } from './images.mts'

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

/**
 * For a release that is not this checkout's.
 * @throws OperatorError when it has no image on the server: which ones are there, and how to make it again
 */
export async function requireThere(host: Host, stack: StackConfig, release: string): Promise<void> {
  const output = await host.run(
    `Looking for the image of release ${release}`,
    bash`
docker images ${`${stack.project}/app`} --format '{{.Tag}}'
for kept in ${stack.folder}/targets/${release}*/revision; do [ ! -s "$kept" ] || echo "revision $(cat "$kept")"; done`,
  )
  const lines = output.split('\n').filter(Boolean)
  const there = lines.filter((line) => !line.includes(' '))
  if (there.includes(release)) return
  const revision = lines.find((line) => line.startsWith('revision '))?.slice('revision '.length) ?? ''
  throw new OperatorError(
    `There is no image of release ${release} on ${host.name}; there is ${there.length > 0 ? `one of ${list(there)}` : 'none at all'}`,
    howToMake(stack, revision),
    'nothing was changed.',
  )
}

/** @param revision of its image: a commit, perhaps marked as changed */
export function howToMake({ app }: StackConfig, revision: string): string {
  const other = 'npm run rollback -- --release NAME goes to one that is there.'
  const [, commit, changed] = /^([0-9a-f]{40})(-changed)?$/.exec(revision) ?? []
  if (!commit) return `${other} From which commit this one was built is not known.`
  const git = app.source === 'app' ? 'git' : `git -C ${app.source}`
  const caution = changed ? ' (with changes beside it that were not committed)' : ''
  return `It was built from commit ${commit}${caution}: ${git} checkout ${commit} && npm run redeploy builds and releases that. Or: ${other}`
}

/**
 * Removes the images of old releases, and the targets that no way back leads to. What was built and never served is the
 * first to go.
 */
export async function prune(
  host: Host,
  stack: StackConfig,
  { releases, targets }: { releases: readonly string[]; targets: readonly string[] },
): Promise<void> {
  const image = `${stack.project}/app`
  const script = remote('prune-releases', { folder: stack.folder, image, releases, targets })
  await host.run('Pruning old releases', script)
}
