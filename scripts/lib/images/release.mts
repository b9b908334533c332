/** A release: the application's image on the server, named after the digest of its source. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
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

/** @throws OperatorError when this checkout's release has no image on the server */
export async function requireBuilt(host: Host, stack: StackConfig, release: string): Promise<void> {
  if (await isBuilt(host, stack, release)) return
  throw new OperatorError(
    `Release ${release} is not built on ${host.name}`,
    'npx zx scripts/02-build.mts',
    NOTHING_CHANGED,
  )
}

/**
 * For a release of another checkout.
 * @throws OperatorError when it has no image on the server; it names the releases that have one, and how to build this one
 */
export async function requireThere(host: Host, stack: StackConfig, release: string): Promise<void> {
  const lines = await host.lines(
    `Looking for the image of release ${release}`,
    bash`
docker images ${`${stack.project}/app`} --format '{{.Tag}}'
for kept in ${stack.folder}/targets/${release}*/revision; do [ ! -s "$kept" ] || echo "revision $(cat "$kept")"; done`,
  )
  const there = lines.filter((line) => !line.includes(' '))
  if (there.includes(release)) return
  const revision = lines.find((line) => line.startsWith('revision '))?.slice('revision '.length) ?? ''
  throw new OperatorError(
    `There is no image of release ${release} on ${host.name}; there is ${there.length > 0 ? `one of ${list(there)}` : 'none at all'}`,
    howToMake(stack, revision),
    NOTHING_CHANGED,
  )
}

/** How to build a release again, or go to another. @param revision a commit, with `-changed` if files differed from it */
export function howToMake({ app }: StackConfig, revision: string): string {
  const other = 'npm run rollback -- --release NAME goes to a release that has an image.'
  const [, commit, changed] = /^([0-9a-f]{40})(-changed)?$/.exec(revision) ?? []
  if (!commit) return `${other} The commit of this release is not known.`
  const git = app.source === 'app' ? 'git' : `git -C ${app.source}`
  const caution = changed ? ' (and changes that were not committed)' : ''
  return `It was built from commit ${commit}${caution}: ${git} checkout ${commit} && npm run redeploy builds and releases that commit. Or: ${other}`
}

/** Removes the images of all other releases, and all other targets. @param keep names of those that stay */
export async function prune(
  host: Host,
  stack: StackConfig,
  keep: { releases: readonly string[]; targets: readonly string[] },
): Promise<void> {
  const script = remote('prune-releases', { folder: stack.folder, image: `${stack.project}/app`, ...keep })
  await host.run('Pruning old releases', script)
}
