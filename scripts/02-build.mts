/** Builds the application's image, and the images around it where no registry can be reached. */
import { baseImages, decideImageMode, describe, ensureBaseImages } from './lib/images.mts'
import { withLock } from './lib/lock.mts'
import { build, described, sourceOf } from './lib/release.mts'
import { begin } from './lib/run.mts'
import { say, step } from './lib/say.mts'

const { host, stack } = begin(`
Builds the application's image on the server. The same source is the same release; what runs is not touched.

  npx zx scripts/02-build.mts [--host USER@NAME]
`)

say(`02-build on ${host.name}`)
await withLock(host, stack, '02-build', async () => {
  const mode = await decideImageMode(host, stack)
  const images = baseImages(stack, mode)
  const source = sourceOf(stack, images.python)

  await step(`Base images (${mode})`, async () => describe(await ensureBaseImages(host, stack, mode), mode))
  await step('Application', async () => described(source, await build(host, stack, source, images.python)))
})
