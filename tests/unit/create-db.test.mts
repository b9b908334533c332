/** What is told of a migration that got no lock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Contended } from '../../scripts/lib/stack/create-db.mts'

const stack = defaults(stackSchema)
const WHAT =
  '✗ create_db.py of release 1a2b needs a lock in the database, asked 3 times, and got it not within 5 s (database.lock_timeout)'
const STATE =
  '  State: create_db.py waits no longer, and what it waited for is not applied later; what runs keeps running.'

test('who has the lock, and how to end it', () => {
  const one = 'developer (process 12), idle in transaction since 2026-01-02 03:04:05 UTC: SELECT 1'
  const two = 'app (process 34), active since 2026-01-02 03:04:05 UTC: LOCK TABLE a'
  assert.equal(
    inspect(new Contended(stack, '1a2b', `${one}\n${two}`)),
    `
${WHAT}. It is held by
    ${one}
    ${two}
${STATE}
  Next:  Let that session end, or end it on the server (sudo docker exec prusa-db-1 psql -U postgres -d prusa -c 'SELECT pg_terminate_backend(12), pg_terminate_backend(34)'), then the same command again.`,
  )
})

test('nobody that could be looked at', () => {
  assert.equal(
    inspect(new Contended(stack, '1a2b', '')),
    `\n${WHAT}\n${STATE}\n  Next:  See by npm run verify whether somebody keeps a table locked, then the same command again.`,
  )
})
