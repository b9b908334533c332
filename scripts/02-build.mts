/** Builds the application's image. Pulls the base images, or makes them where no registry can be reached. */

import { say } from './lib/cli/say.mts'
import { withLock } from './lib/host/lock.mts'
import { buildRelease } from './lib/images/build.mts'
import { baseImages, decideImageMode } from './lib/images/images.mts'
import { type Run, script } from './lib/run.mts'

export async function buildImages({ host, stack, engine, options }: Run): Promise<void> {
  say(`02-build on ${host.name}`)
  await withLock(host, stack, '02-build', async () => {
    const mode = await decideImageMode(host, stack)
    const release = await buildRelease(host, stack, mode, options.fresh)
    await engine.bring(host, release, baseImages(stack, mode))
  })
}

await script(
  import.meta.url,
  `
Builds the application's image on the server. The same source makes the same release. What runs does not change.

  npx zx scripts/02-build.mts [--host USER@NAME]

  --fresh            pull or make all base images anew, for security fixes; npm run deploy then replaces the containers

Examples:
  npx zx scripts/02-build.mts
  npx zx scripts/02-build.mts --fresh
`,
  buildImages,
  0,
  'setup',
)
