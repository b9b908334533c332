/** The larger scripts that go to the server: bash can read them, whatever the configuration holds. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { renewScript } from '../../scripts/lib/acme.mts'
import { type StackConfig, stackSchema, type User } from '../../scripts/lib/config.mts'
import { passwordFunctions } from '../../scripts/lib/database.mts'
import { engineScript } from '../../scripts/lib/engine.mts'
import { writeScript } from '../../scripts/lib/files.mts'
import { INSTALL, packagesScript } from '../../scripts/lib/packages.mts'
import { noTimerScript, timerScript } from '../../scripts/lib/renewal.mts'
import { defaults } from '../../scripts/lib/schema.mts'
import { secretsScript } from '../../scripts/lib/secrets.mts'
import { join, type Script } from '../../scripts/lib/shell.mts'
import { FUNCTIONS } from '../../scripts/lib/sshd-files.mts'
import { composeFor } from '../../scripts/lib/stack.mts'
import { usersScript } from '../../scripts/lib/users.mts'

const stack = defaults(stackSchema)
const odd: StackConfig = { ...stack, project: "it's", folder: '/opt/a b$(c)' }
const user: User = { name: 'a', sudo: true, keys: ['ssh-ed25519 AAAA it\'s "me" $(x) `y`', 'ssh-rsa AAAA'] }

/** What bash says to a script that it reads and does not run. */
function syntax(script: Script): string {
  return spawnSync('bash', ['-n'], { input: `{ ${script.text}\n}\n`, encoding: 'utf8' }).stderr
}

describe('bash reads', () => {
  const scripts: Record<string, Script> = {
    'no users': usersScript([]),
    users: usersScript([user, { ...user, name: 'b', sudo: false, keys: [] }]),
    'no packages': packagesScript([]),
    packages: packagesScript(['curl', 'libstdc++6']),
    install: INSTALL,
    engine: engineScript(),
    secrets: secretsScript(stack),
    sshd: FUNCTIONS,
    passwords: passwordFunctions(odd),
    'secrets of an odd folder': secretsScript(odd),
    'no files': writeScript([]),
    files: writeScript([{ path: "/tmp/it's", content: 'a\nb $(c)', mode: '600' }]),
    compose: composeFor(odd, 'x'),
    renewal: renewScript(odd, 'certbot:1'),
    timer: timerScript(odd),
    'no timer': noTimerScript(odd),
  }
  for (const [name, script] of Object.entries(scripts)) test(name, () => assert.equal(syntax(script), ''))
  test('all of them in one', () => assert.equal(syntax(join(Object.values(scripts))), ''))
  test('and would tell', () =>
    assert.match(syntax(join([INSTALL, engineScript(), { text: 'if true' } as Script])), /syntax error/))
})

test('users: those with sudo are granted it, from those without it is withheld', () => {
  const calls = usersScript([user, { ...user, name: 'b', sudo: false, keys: [] }])
    .text.split('\n')
    .filter((line) => /^(account|authorize|grant|withhold) /.test(line))
  assert.deepEqual(calls, [
    'account a',
    `authorize a $'ssh-ed25519 AAAA it\\'s "me" $(x) \`y\`'`,
    "authorize a $'ssh-rsa AAAA'",
    'grant a',
    'account b',
    'withhold b',
  ])
})
