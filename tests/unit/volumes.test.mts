/** Reasons why a new image cannot use the data in a volume. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { dataFolder } from '../../scripts/lib/stack/stack.mts'
import { type Facts, misfit } from '../../scripts/lib/stack/volumes.mts'

const stack = defaults(stackSchema)
const told = (facts: Facts, postgres = 'postgres:17') =>
  misfit(stack, { postgres, redis: 'redis:8', nginx: 'n', haproxy: 'h', python: 'p' }, facts)

const image: Facts = {
  volumes: '/var/lib/postgresql/data ',
  version: 'postgres (PostgreSQL) 17.6 (Debian 17.6-1.pgdg13+1)',
  user: '999',
}
const held: Facts = { ...image, held: '17', owner: '999' }

test('none if the images run already, with a new volume, and with a volume of the same version', () => {
  for (const facts of [{}, image, held]) assert.equal(told(facts), undefined)
})

test('another major version, newer or older: the message says how to move the data', () => {
  const eighteen = { ...held, version: 'postgres (PostgreSQL) 18.1', volumes: '/var/lib/postgresql ' }
  const error = told(eighteen, 'postgres:18')
  assert.match(
    error?.what ?? '',
    /prusa_db holds data of PostgreSQL 17, and postgres:18 is PostgreSQL 18, which/,
  )
  assert.match(error?.next ?? '', /npm run backup\n.*volume rm prusa_db\n[\s\S]*npm run restore -- FILE\n/)
  assert.match(told({ ...held, held: '18' })?.what ?? '', /holds data of PostgreSQL 18, and postgres:17/)
})

test('an image whose data folder is not the one that its name implies', () => {
  const error = told(
    { ...image, volumes: '/var/lib/postgresql ', version: 'postgres (PostgreSQL) 18.1' },
    'postgres:latest',
  )
  assert.match(error?.what ?? '', /postgres:latest keeps its data in \/var\/lib\/postgresql, but/)
  assert.match(error?.next ?? '', /postgres:18/)
})

test('a volume of another user, a missing locale, and data that Redis cannot read', () => {
  assert.match(told({ ...held, owner: '70' })?.what ?? '', /belongs to user 70, .* is user 999/)
  assert.match(told({ ...held, unknown: 'de_DE.utf8' })?.what ?? '', /locale de_DE\.utf8/)
  const redis = told({ redis: 'Can’t handle RDB format version 80' })
  assert.match(redis?.what ?? '', /redis:8 cannot read .* prusa_redis: Can’t handle RDB format/)
  assert.match(redis?.next ?? '', /volume rm prusa_redis/)
})

test('the data folder of the official image depends on its version', () => {
  const folders = [
    'postgres:17',
    'postgres:17.6-alpine',
    'localhost:5000/postgres',
    'prusa-debian/postgres:17-0a1b',
  ]
  for (const name of folders) assert.equal(dataFolder(name), '/var/lib/postgresql/data', name)
  for (const name of ['postgres:18', 'registry:5000/library/postgres:18.1-trixie', 'postgres:100'])
    assert.equal(dataFolder(name), '/var/lib/postgresql', name)
})
