/**
 * `npm test`: installs what the tests need (Docker Engine, a browser), makes the base images once, then runs every
 * test by node's own runner. Words choose files: `npm test -- unit stack/doors`. With --long (`npm run test:long`)
 * it also runs NAME.long.mts and each test that takes long and shows one more case (lib/long.mts).
 */
import path from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import { glob } from 'zx'
import { OperatorError } from '../scripts/lib/cli/errors.mts'
import { list, step } from '../scripts/lib/cli/say.mts'
import { ROOT } from '../scripts/lib/config/config.mts'
import { Host } from '../scripts/lib/host/host.mts'
import { ensureEngine } from '../scripts/lib/server/engine.mts'
import { installPackages } from '../scripts/lib/server/packages.mts'
import { makeBaseImages } from './lib/base-images.mts'
import { chosen, groupsIn } from './lib/choice.mts'
import { report } from './lib/report.mts'
import { LOADER } from './lib/zx.mts'

/** What the tests ask of this machine, besides the Docker Engine. */
const PACKAGES = [
  'age',
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
  'shellcheck',
]

const given = process.argv.slice(process.argv.findIndex((word) => word.endsWith('.mts')) + 1)
const words = given.filter((word) => word !== '--long')
const long = words.length < given.length
const kinds = long ? 'test,group,long' : 'test,group'
const found = await glob(`tests/{unit,stack,server}/*.{${kinds}}.mts`, { cwd: ROOT })
const files = chosen(found, words, groupsIn(found))
if (files.length === 0)
  throw new OperatorError(
    `No file of tests has ${list(words)} in its name`,
    'ls tests/*/ shows them all. A file NAME.long.mts runs with --long alone.',
  )
if (long) process.env.LONG = '1'
// zx's bash has a socket for its input and would take itself for one that rshd started: it would run .bashrc for every
// command of a test, whatever that prints or waits for. Below another shell it does not.
process.env.SHLVL = String(Math.max(1, Number(process.env.SHLVL ?? 0)))

// Instead of tsx, which .npmrc gives to the processes of npx.
process.env.NODE_OPTIONS = LOADER

const host = new Host('local')
if (files.some((file) => !file.includes('/unit/'))) {
  await step('Packages', async () => list(await installPackages(host, PACKAGES)) || 'there')
  await step('Docker Engine', async () => list(await ensureEngine(host)) || 'runs')
  await step('Base images', async () => list(await makeBaseImages()) || 'there')
}

/** Milliseconds for a file, on a machine that is much slower than this one. */
const DEADLINE = 1_800_000

/** Files at a time: a stack often waits, and two cores have room for a third one (8 % less time than with two). */
const LANES = 3

const passed = await report(
  run({ files: files.map((file) => path.join(ROOT, file)), concurrency: LANES, timeout: DEADLINE }),
)
process.exitCode = passed ? 0 : 1
