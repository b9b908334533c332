/** Asks the archive for upgrades of the packages in the base images. */
import process from 'node:process'
import { count, result, say, step } from './lib/cli/say.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { record, scan, type Upgrade } from './lib/images/upgrades.mts'
import { type Run, script } from './lib/run.mts'

export async function scanImages({ host, stack, options }: Run): Promise<void> {
  say(`scan on ${host.name}`)
  const images = baseImages(stack, await imageMode(host, stack))
  let found: Upgrade[] = []
  await step('Base images', async () => {
    found = await scan(host, stack, images)
    await record(host, stack, images, found)
    return count(found.length, 'upgrade')
  })

  // Every newer version counts. A stable release changes only for security and grave bugs, and a point release moves the
  // security fixes into the main archive. Testing has no security archive at all.
  if (options.json) result(JSON.stringify(found, null, 2))
  else
    for (const { image, name, from, to, suites } of found)
      result(`newer: ${name} ${from} → ${to} in ${suites} (${image})`)
  if (found.length > 0) {
    say('To take them in: npm run deploy -- --fresh. It says before what clients notice.')
    process.exitCode = 1
  }
}

await script(
  import.meta.url,
  `
Asks the archive, with its security part, for upgrades of the packages in the base images.
Changes no image and no container. npm run verify warns of the upgrades. The exit code is 1 when there are any.

  npm run scan [-- --host USER@NAME]

  --json             as JSON on standard output

Examples:
  npm run scan
  npm run scan -- --host admin@203.0.113.7
`,
  scanImages,
  0,
  'data',
)
