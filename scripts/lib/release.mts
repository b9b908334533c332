/** A release: the application's image, named after the source that it was built from. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { ROOT, type StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { baseImages, buildFolder, imageMode, missingImages } from './images.mts'
import { ended, start } from './process.mts'
import { step } from './say.mts'
import { bash } from './shell.mts'
import { digest, LITTER } from './source.mts'

/** Seconds; pip over a slow line. */
const BUILD_DEADLINE = 1200

/** Seconds; git status of a large checkout. */
const GIT_DEADLINE = 60

/** Digits of the source's digest in a release's name: a billion releases to an even chance of two alike. */
const NAME_LENGTH = 12

/** The contract's files; without them there is nothing to run. */
const CONTRACT = ['app.py', 'create_db.py', 'requirements.txt']

export interface Source {
  /** Folder of the application on this machine. */
  folder: string
  /** The Dockerfile that builds it: its own when it has one, else the one for every application with the contract. */
  dockerfile: string
  release: string
}

/** The application as it lies in this checkout, and the name of the release that it makes. */
export function sourceOf(stack: StackConfig, pythonImage: string): Source {
  const folder = path.resolve(ROOT, stack.app.source)
  const absent = CONTRACT.filter((name) => !existsSync(path.join(folder, name)))
  if (absent.length > 0)
    throw new OperatorError(
      `The application in ${stack.app.source}/ has no ${absent.join(', ')}`,
      'See “Your own application” in the README.',
    )
  const own = path.join(folder, 'Dockerfile')
  const dockerfile = existsSync(own) ? own : path.join(ROOT, 'compose/app.Dockerfile')
  const release = digest(folder, dockerfile, pythonImage).slice(0, NAME_LENGTH)
  return { folder, dockerfile, release }
}

/** The image of a release: `prusa/app:RELEASE`. */
export function imageOf(stack: StackConfig, release: string): string {
  return `${stack.project}/app:${release}`
}

export async function isBuilt(host: Host, stack: StackConfig, release: string): Promise<boolean> {
  return (await missingImages(host, [imageOf(stack, release)])).length === 0
}

/** Builds the release unless it is there; what runs is not touched. */
export async function build(
  host: Host,
  stack: StackConfig,
  source: Source,
  pythonImage: string,
): Promise<boolean> {
  const { folder, dockerfile, release } = source
  if (await isBuilt(host, stack, release)) return false
  const target = `${await buildFolder(host, stack)}/${release}`
  await host.copyFolder(folder, target, LITTER)
  await host.copyFile(dockerfile, `${target}.Dockerfile`)
  await host.run(
    `Building ${imageOf(stack, release)}`,
    bash`
folder=${target}
trap 'rm -rf "$folder" "$folder.Dockerfile"' EXIT
secret() { [ ! -e "$2" ] || secrets+=(--secret "id=$1,src=$2"); } # the server's own settings for reaching PyPI
secrets=()
secret ca /etc/ssl/certs/ca-certificates.crt
secret pipconf /etc/pip.conf
DOCKER_BUILDKIT=1 docker build --progress plain "\${secrets[@]}" --file ${target}.Dockerfile --tag ${imageOf(stack, release)} \
  --build-arg PYTHON_IMAGE=${pythonImage} --build-arg RELEASE=${release} --build-arg REVISION=${await revision(folder)} \
  --build-arg CREATED="$(date -u +%Y-%m-%dT%H:%M:%SZ)" --label ${`prusa.project=${stack.project}`} ${target}`,
    { deadline: BUILD_DEADLINE },
  )
  return true
}

/** The commit that the source lies at, marked when it was changed since; `unknown` outside a git checkout. */
async function revision(folder: string): Promise<string> {
  const git = (...words: string[]) =>
    ended(start(['git', '-C', folder, ...words]), GIT_DEADLINE).then(
      ({ stdout }) => stdout.trim(),
      () => '', // no git here
    )
  const commit = await git('rev-parse', 'HEAD')
  if (!commit) return 'unknown'
  const changed = (await git('status', '--porcelain', '--', '.')) !== ''
  return changed ? `${commit}-changed` : commit
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

/** The release to roll out: the named one, which must be there, or the one that the source makes, built when missing. */
export async function targetRelease(host: Host, stack: StackConfig, named?: string): Promise<string> {
  if (named) {
    await requireBuilt(host, stack, named)
    return named
  }
  const python = baseImages(stack, await imageMode(host, stack)).python
  const source = sourceOf(stack, python)
  await step('Application', async () => described(source, await build(host, stack, source, python)))
  return source.release
}

export function described({ release }: Source, built: boolean): string {
  return `release ${release} ${built ? 'built' : 'is built from this source already: nothing to do'}`
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
