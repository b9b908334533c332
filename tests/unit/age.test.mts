/** The warnings of verify about base images. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ageWarnings } from '../../scripts/lib/verify/age.mts'

const NOW = Date.parse('2026-03-31T12:00:00Z')
const image = (service: string, created = '2026-03-24T12:00:00Z') => [
  'image',
  service,
  `sha256:${service}`,
  created,
]
const container = (name: string, id: string) => ['container', name, `sha256:${id}`]
const judge = (...found: string[][]) => ageWarnings(found.map((line) => line.join('\t')).join('\n'), NOW)
const FRESH = 'npm run deploy -- --fresh takes in the fixes, and says before what clients notice.'

test('there is no warning when the images are new and everything runs on them, nor before a deployment', () => {
  assert.deepEqual(judge(image('redis'), container('prusa-redis-1', 'redis')), [])
  assert.deepEqual(judge(), [])
})

test('an image older than 30 days is warned of, unless its date is unknown', () => {
  assert.doesNotMatch(judge(image('redis', '2026-03-01T12:00:00Z')).join(), /older/)
  assert.deepEqual(judge(image('redis', '1970-01-01T00:00:00Z'), image('nginx', '0001-01-01T00:00:00Z')), [])
  assert.deepEqual(
    judge(image('redis', '2026-02-28T11:00:00Z'), image('python', '2026-01-01T00:00:00Z'), image('nginx')),
    [`Base images are older than 30 days (redis and python; 89 days): ${FRESH}`],
  )
})

test('upgrades that a scan found are warned of, but not those for former images', () => {
  assert.deepEqual(
    judge(
      image('redis'),
      image('nginx'),
      ['upgrades', 'sha256:redis', '2', '2026-03-30'],
      ['upgrades', 'sha256:nginx', '0', '2026-03-30'],
      ['upgrades', 'sha256:gone', '9', '2026-03-30'],
    ),
    [`npm run scan found upgrades on 2026-03-30 for packages in redis (2): ${FRESH}`],
  )
})

test('an image that has not been scanned for a week is warned of', () => {
  const unasked = [
    'The packages in redis have not been scanned for more than 7 days: npm run scan asks the archive for upgrades.',
  ]
  const redis = image('redis', '2026-03-23T11:00:00Z')
  assert.deepEqual(judge(redis, image('nginx')), unasked)
  assert.deepEqual(judge(redis, ['upgrades', 'sha256:redis', '0', '2026-03-30']), [])
  assert.deepEqual(judge(redis, ['upgrades', 'sha256:redis', '0', '2026-03-20']), unasked)
})

test('a container that runs on a former image is warned of', () => {
  assert.deepEqual(
    judge(image('python'), container('prusa-app-1', 'old'), container('prusa-dbport-1', 'python')),
    ['prusa-app-1 still runs on a former base image: npm run deploy replaces it.'],
  )
})
