/** Are the base images as they were reviewed, and does the archive have upgrades for them, security's first of all? */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { ROOT } from './lib/config.mts'
import { baseImages, imageMode } from './lib/images.mts'
import { begin } from './lib/run.mts'
import { count, result, say, step } from './lib/say.mts'
import { differences, type Scan, scan, versionsPage } from './lib/versions.mts'

const { host, stack, options } = begin(`
Compares what is installed in the base images with docs/versions.md, and asks the archive, its security part included, for upgrades.
Changes nothing on the server; exit code 1 on a difference or a pending upgrade.

  npm run scan [-- --host USER@NAME]

  --write            write docs/versions.md anew, for review
`)

const page = path.join(ROOT, 'docs/versions.md')
const mode = await imageMode(host, stack)
let found: Scan = { versions: new Map(), upgrades: [] }
await step('Images', async () => {
  found = await scan(host, baseImages(stack, mode))
  return `${count(found.versions.size, 'package')} in 4 images`
})

// A stable release changes for security and grave bugs alone, and what was security's yesterday is in its next point
// release: so every newer version counts. Testing has no security archive: there it is the only sign.
for (const { image, name, from, to, suites } of found.upgrades)
  result(`newer: ${name} ${from} → ${to} in ${suites} (${image})`)
if (found.upgrades.length > 0) process.exitCode = 1
say(`${count(found.upgrades.length, 'upgrade')} pending.`)

// The list is of the packages that we choose; those of the official images are their makers'.
if (mode === 'registry') say('docs/versions.md is for Debian mode: not compared.')
else if (options.write) {
  writeFileSync(page, versionsPage(found.versions))
  say(`Written: ${path.relative(process.cwd(), page)}. Next: git diff, and commit it when it is reviewed.`)
} else {
  const lines = differences(existsSync(page) ? readFileSync(page, 'utf8') : '', versionsPage(found.versions))
  for (const line of lines) result(line)
  say(
    lines.length === 0
      ? 'As reviewed.'
      : `${count(lines.length, 'line')} differ. Next: npm run scan -- --write`,
  )
  if (lines.length > 0) process.exitCode = 1
}
