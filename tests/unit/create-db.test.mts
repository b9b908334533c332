/** The message for a migration that got no lock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Contended } from '../../scripts/lib/stack/create-db.mts'

const stack = defaults(stackSchema)
const WHAT =
  '✗ create_db.py of release 1a2b got no lock in the database: it tried 3 times for 5 s (database.lock_timeout)'
const STATE =
  '  State: create_db.py has ended, and none of its statements is applied later; what runs keeps running.'

test('it names the sessions that hold the lock, and the command that ends them', () => {
  const one = 'developer (process 12), idle in transaction since 2026-01-02 03:04:05 UTC: SELECT 1'
  const two = 'app (process 34), active since 2026-01-02 03:04:05 UTC: LOCK TABLE a'
  assert.equal(
    inspect(new Contended(stack, '1a2b', `${one}\n${two}`)),
    `
${WHAT}. The lock is held by
    ${one}
    ${two}
${STATE}
  Next:  Let that session end, or end it on the server (sudo docker exec prusa-db-1 psql -U postgres -d prusa -c 'SELECT pg_terminate_backend(12), pg_terminate_backend(34)'), then the same command again.`,
  )
})

test('it names nobody if the sessions ended before they were seen', () => {
  assert.equal(
    inspect(new Contended(stack, '1a2b', '')),
    `\n${WHAT}\n${STATE}\n  Next:  npm run verify shows whether a session still locks a table, then the same command again.`,
  )
})
