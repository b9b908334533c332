/** shellcheck reads all shell code: files for the server, the images and the tests, templates, and whole scripts as they are sent. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { glob } from 'zx'
import { programOf } from '../../scripts/lib/backup/schedule.mts'
import { ROOT, type StackConfig, stackSchema, type User } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { renewScript } from '../../scripts/lib/edge/acme.mts'
import { selfSignedScript } from '../../scripts/lib/edge/certificate.mts'
import { renewal } from '../../scripts/lib/edge/renewal.mts'
import { writeScript } from '../../scripts/lib/host/files.mts'
import type { Script } from '../../scripts/lib/host/shell.mts'
import { engineScript, liveRestoreScript } from '../../scripts/lib/server/engine.mts'
import { packagesScript } from '../../scripts/lib/server/packages.mts'
import { gather } from '../../scripts/lib/server/preflight.mts'
import { sshdFunctions } from '../../scripts/lib/server/sshd-files.mts'
import { noTimerScript, timerScript } from '../../scripts/lib/server/timer.mts'
import { usersScript } from '../../scripts/lib/server/users.mts'
import { passwordFunctions } from '../../scripts/lib/stack/database.mts'
import { secretsScript } from '../../scripts/lib/stack/secrets.mts'
import { composeFor } from '../../scripts/lib/stack/stack.mts'
import { insideScript } from '../../scripts/lib/verify/inside.mts'
import { templatesIn } from '../lib/templates.mts'

/** The most lines of a template; longer code is a file in scripts/remote/. */
const HANDFUL = 8

const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
after(() => rmSync(folder, { recursive: true }))

/** The output of shellcheck. */
function said(...args: string[]): string {
  const { stdout, error } = spawnSync('shellcheck', args, { cwd: ROOT, encoding: 'utf8' })
  if (error) throw new Error(`${error.message}: apt-get install shellcheck`)
  return stdout
}

/** The output of shellcheck for scripts that are not files. @param but codes that it leaves out */
function saidOf(scripts: { name: string; text: string }[], but: string): string {
  const own = mkdtempSync(path.join(folder, 'scripts-'))
  const files = scripts.map(({ name, text }) => {
    const file = path.join(own, name.replaceAll('/', '-'))
    writeFileSync(file, `${text}\n`)
    return file
  })
  return said('--shell=bash', `--exclude=${but}`, ...files)
}

test('the files have no findings', async () => {
  const files = await glob('{scripts,compose,tests,.ci}/**/{*.sh,run}', { cwd: ROOT, dot: true })
  assert.equal(said(...files), '')
})

describe('the templates', async () => {
  const sources = await glob('scripts/**/*.mts', { cwd: ROOT })
  const templates = sources.flatMap((file) =>
    templatesIn(readFileSync(path.join(ROOT, file), 'utf8')).map(({ line, text }) => ({
      name: `${file}:${line}`,
      text: text.trim(),
    })),
  )

  // The templates are parts: another part may set or read a variable, a value may be a list, and an `if` may be incomplete.
  // A cd that fails ends the script, since it runs under `set -e`.
  const PARTS = 'SC2034,SC2154,SC2043,SC2091,SC2174,SC2242,SC2164,SC1009,SC1072,SC1073,SC1089'
  test('have no findings', () => assert.equal(saidOf(templates, PARTS), ''))

  test(`have at most ${HANDFUL} lines: longer code is a file in scripts/remote/`, () => {
    const long = templates.filter(({ text }) => text.split('\n').length > HANDFUL)
    assert.deepEqual(long, [])
  })
})

describe('the whole scripts', () => {
  const stack = defaults(stackSchema)
  const odd: StackConfig = { ...stack, project: "it's", folder: '/opt/a b$(c)' }
  const user: User = { name: 'a', sudo: true, keys: ['ssh-ed25519 AAAA it\'s "me" $(x) `y`', 'ssh-rsa AAAA'] }
  const scripts: Record<string, Script> = {
    'no users': usersScript([]),
    users: usersScript([user, { ...user, name: 'b', sudo: false, keys: [] }]),
    'no packages': packagesScript([]),
    packages: packagesScript(['curl', 'libstdc++6']),
    engine: engineScript(),
    liveRestore: liveRestoreScript(),
    preflight: gather(odd),
    secrets: secretsScript(odd),
    sshd: sshdFunctions(['root']),
    passwords: passwordFunctions(odd),
    'no files': writeScript([]),
    files: writeScript([{ path: "/tmp/it's", content: 'a\nb $(c)', mode: '600' }]),
    compose: composeFor(odd, 'x'),
    certificate: selfSignedScript(odd, '192.0.2.1'),
    renewal: renewScript(odd, 'certbot:1'),
    timer: timerScript(renewal(odd)),
    'no timer': noTimerScript(renewal(odd)),
    backup: programOf(odd),
    verify: insideScript(odd, 443),
  }

  test('have no findings', () => {
    const texts = Object.entries(scripts).map(([name, { text }]) => ({ name, text }))
    // Only some of them call `sql` with a database.
    assert.equal(saidOf(texts, 'SC2119,SC2120'), '')
  })
})

test('shellcheck finds a mistake', () => {
  assert.match(saidOf([{ name: 'insecure', text: 'rm -rf $1/*' }], 'SC1000'), /Double quote to prevent/)
})
