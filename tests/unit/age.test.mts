/** What verify warns of about base images. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ageWarnings, type Found } from '../../scripts/lib/verify/age.mts'

const NOW = Date.parse('2026-03-31T12:00:00Z')
const image = (service: string, created = '2026-03-24T12:00:00Z') => [
  'image',
  service,
  `sha256:${service}`,
  created,
]
const container = (name: string, id: string) => ['container', name, `sha256:${id}`]
const judge = (...found: Found[]) => ageWarnings(found, NOW)
const FRESH = 'npm run deploy -- --fresh takes in the fixes, and says before what clients notice.'

test('nothing when they are of this month and all runs on them, and nothing before a deployment', () => {
  assert.deepEqual(judge(image('redis'), container('prusa-redis-1', 'redis')), [])
  assert.deepEqual(judge(), [])
})

test('older than 30 days, and not at 30', () => {
  assert.doesNotMatch(judge(image('redis', '2026-03-01T12:00:00Z')).join(), /older/)
  assert.deepEqual(judge(image('redis', '1970-01-01T00:00:00Z'), image('nginx', '0001-01-01T00:00:00Z')), [])
  assert.deepEqual(
    judge(image('redis', '2026-02-28T11:00:00Z'), image('python', '2026-01-01T00:00:00Z'), image('nginx')),
    [`Base images are older than 30 days (redis and python; 89 days): ${FRESH}`],
  )
})

test('upgrades that a scan has found for the images of now, and not for those before', () => {
  assert.deepEqual(
    judge(
      image('redis'),
      image('nginx'),
      ['upgrades', 'sha256:redis', '2', '2026-03-30'],
      ['upgrades', 'sha256:nginx', '0', '2026-03-30'],
      ['upgrades', 'sha256:gone', '9', '2026-03-30'],
    ),
    [`Upgrades are pending for what is in redis (2), as npm run scan found on 2026-03-30: ${FRESH}`],
  )
})

test('upgrades that nobody has asked for since a week', () => {
  const unasked = [
    'For more than 7 days nobody has asked for upgrades of what is in redis: npm run scan asks the archive.',
  ]
  const redis = image('redis', '2026-03-23T11:00:00Z')
  assert.deepEqual(judge(redis, image('nginx')), unasked)
  assert.deepEqual(judge(redis, ['upgrades', 'sha256:redis', '0', '2026-03-30']), [])
  assert.deepEqual(judge(redis, ['upgrades', 'sha256:redis', '0', '2026-03-20']), unasked)
})

test('what still runs on an image from before', () => {
  assert.deepEqual(
    judge(image('python'), container('prusa-app-1', 'old'), container('prusa-dbport-1', 'python')),
    ['prusa-app-1 still runs on a base image from before: npm run deploy replaces it.'],
  )
})
