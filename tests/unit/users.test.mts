/** The script that prepares the users: what it calls for each of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { User } from '../../scripts/lib/config/config.mts'
import { usersScript } from '../../scripts/lib/server/users.mts'

const user: User = { name: 'a', sudo: true, keys: ['ssh-ed25519 AAAA it\'s "me" $(x) `y`', 'ssh-rsa AAAA'] }

test('each user gets the keys of the configuration, and sudo is granted or withheld', () => {
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
