/** Are the base images as they were reviewed, and does the archive have security upgrades for them? */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { ROOT } from './lib/config.mts'
import { baseImages, imageMode } from './lib/images.mts'
import { begin } from './lib/run.mts'
import { count, result, say, step } from './lib/say.mts'
import { differences, type Scan, scan, versionsPage } from './lib/versions.mts'

const { host, stack, options } = begin(`
Compares what is installed in the base images with docs/versions.md, and asks the Debian archive for security upgrades.
Changes nothing on the server; exit code 1 on a difference or a pending security upgrade.

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

const security = found.upgrades.filter((one) => one.security)
for (const { image, name, from, to } of security) result(`security: ${name} ${from} → ${to} (${image})`)
if (security.length > 0) process.exitCode = 1
const other = found.upgrades.length - security.length
say(`${count(security.length, 'security upgrade')} pending, ${count(other, 'other one')}`)

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
