import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'

export type Suite = 'bookworm' | 'trixie'

/** Seconds. An image is built once on a machine, at the speed of its mirror. */
const BUILD_DEADLINE = 600

const folder = import.meta.dirname

/** The bare server's image, built when it is missing or when a file in this folder has changed. */
export async function bareImage(suite: Suite): Promise<string> {
  const image = `prusa-test-server:${suite}`
  const digest = await folderDigest()
  if ((await digestOf(image)) !== digest) await build(suite, image, digest)
  return image
}

/** Removes those of the tests' images that a newer one has taken the name of. */
async function pruneImages(): Promise<void> {
  await $({ quiet: true, nothrow: true })`docker image prune --force --filter label=prusa-test`
}

// Tests run in parallel: the first one builds, the others wait and find every step in Docker's cache. The lock is on this
// folder itself, so that no file of it stays behind.
async function build(suite: Suite, image: string, digest: string): Promise<void> {
  const script = `
    bash base.sh "$1"
    docker build --quiet --tag "$2" --build-arg SUITE="$1" --build-arg DIGEST="$3" .`
  const inFolder = $({ quiet: true, cwd: folder, timeout: BUILD_DEADLINE * 1000 })
  await inFolder`flock ${folder} bash -euc ${script} build ${suite} ${image} ${digest}`
  await pruneImages()
}

async function folderDigest(): Promise<string> {
  const hash = createHash('sha256')
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
