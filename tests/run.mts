/**
 * `npm test`: installs what the tests need (Docker Engine, a browser), makes the base images once, then runs every
 * test by node's own runner. Words choose files: `npm test -- unit stack/doors`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { $, glob } from 'zx'
import { ROOT, stackSchema } from '../scripts/lib/config.mts'
import { ensureEngine } from '../scripts/lib/engine.mts'
import { Host } from '../scripts/lib/host.mts'
import { ensureBaseImages } from '../scripts/lib/images.mts'
import { installPackages } from '../scripts/lib/packages.mts'
import { list, step } from '../scripts/lib/say.mts'
import { defaults } from '../scripts/lib/schema.mts'

/** What the tests ask of this machine, besides the Docker Engine. */
const PACKAGES = [
  'apache2-utils',
  'chromium',
  'cron',
  'curl',
  'iproute2',
  'jq',
  'mmdebstrap',
  'openssh-client',
  'openssl',
  'pebble',
]

const words = process.argv.slice(2).filter((word) => !word.endsWith('.mts'))
const all = (await glob('tests/{unit,stack,server}/*.test.mts', { cwd: ROOT })).sort()
const files = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)))

const host = new Host('local')
if (files.some((file) => !file.includes('/unit/'))) {
  await step('Packages', async () => list(await installPackages(host, PACKAGES)) || 'there')
  await step('Docker Engine', async () => list(await ensureEngine(host)) || 'runs')
  await step('Base images', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
    try {
      return list(await ensureBaseImages(host, { ...defaults(stackSchema), folder }, 'debian')) || 'there'
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

// Two at a time: a stack mostly waits, and two cores have room for another one.
const { exitCode } = await $({
  cwd: ROOT,
  stdio: 'inherit',
  nothrow: true,
})`node --import tsx --test --test-reporter=spec --test-concurrency=2 --test-timeout=1800000 ${files}`
process.exitCode = exitCode ?? 1
