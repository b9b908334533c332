import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { loadConfig, ROOT } from '../../../scripts/lib/config/config.mts'
import { NEEDED } from '../../../scripts/lib/server/packages.mts'

export type Suite = 'bookworm' | 'trixie'

/** A stage of the Dockerfile: a server with nothing of what 01-server installs, or with all its packages. */
export type Stage = 'bare' | 'prepared'

/** Seconds. An image is built once on a machine, at the speed of its mirror. */
const BUILD_DEADLINE = 600

const folder = import.meta.dirname

/** The image of a server. It is built when it is missing, or when a file in this folder or the list of packages has changed. */
export async function serverImage(suite: Suite, stage: Stage): Promise<string> {
  const image = `prusa-test-server:${suite}-${stage}`
  const { server } = loadConfig(join(ROOT, 'config'))
  const packages = [...new Set([...server.packages, ...NEEDED])].join(' ')
  const digest = await sourceDigest(packages)
  if ((await digestOf(image)) !== digest) await build(suite, image, stage, packages, digest)
  return image
}

/** Removes the images of the tests that have lost their name to a newer one. */
async function pruneImages(): Promise<void> {
  await $({ quiet: true, nothrow: true })`docker image prune --force --filter label=prusa-test`
}

// Tests run in parallel: the first one builds, the others wait and find every step in Docker's cache. The lock is on this
// folder itself, so that no file of it stays behind.
async function build(
  suite: Suite,
  ...values: [image: string, stage: Stage, packages: string, digest: string]
) {
  const script = `
    bash base.sh "$1"
    docker build --quiet --tag "$2" --target "$3" --build-arg SUITE="$1" --build-arg PACKAGES="$4" --label prusa-test.digest="$5" .`
  const inFolder = $({ quiet: true, cwd: folder, timeout: BUILD_DEADLINE * 1000 })
  await inFolder`flock ${folder} bash -euc ${script} build ${suite} ${values}`
  await pruneImages()
}

async function sourceDigest(packages: string): Promise<string> {
  const hash = createHash('sha256').update(packages)
  const files = (await readdir(folder)).sort()
  for (const file of files) hash.update(file).update(await readFile(join(folder, file)))
  return hash.digest('hex').slice(0, 12)
}

/** The digest that an image was built with; empty when there is no such image. */
async function digestOf(image: string): Promise<string> {
  const format = '{{index .Config.Labels "prusa-test.digest"}}'
  const inspected = await $({ quiet: true, nothrow: true })`docker image inspect --format ${format} ${image}`
  return inspected.stdout.trim()
}
