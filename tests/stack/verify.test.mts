/** verify against a live deployment: each line about containers, database and load balancer is broken and turns red. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BREAKS, HTTPS, OWNER, PREPARE, PUBLISHED, READER, READY, REDIRECT } from '../lib/damage.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { deployment } from '../lib/shared.mts'
import { asPostgres } from '../lib/sql.mts'

let site: Deployment
const shared = deployment()
before(async () => {
  site = await shared.take()
})
after(() => shared.leave())

test('verify finds nothing wrong with a good deployment, and changes nothing', async () => {
  const ids = await site.ids()
  assert.deepEqual(await red(), [])
  assert.deepEqual(await site.ids(), ids)
  assert.equal(await asPostgres(site, "SELECT count(*) FROM pg_class WHERE relname LIKE 'verify%'"), '0')
})

for (const broken of BREAKS)
  test(`verify turns the right lines red and no other: ${broken.map(([what]) => what).join('; ')}`, async () => {
    const repairs: (() => PromiseLike<unknown>)[] = []
    try {
      for (const [, , damage] of broken) repairs.unshift(await damage(site))
      assert.deepEqual(await red(), broken.flatMap(([, lines]) => lines).sort())
    } finally {
      for (const repair of repairs) await repair()
    }
  })

test('verify shows red lines and no stack trace without database or load balancer', async () => {
  for (const [service, lines] of [
    ['db', [OWNER, READER]],
    ['lb', [HTTPS, REDIRECT, PUBLISHED, PREPARE, READY]],
  ] as const) {
    await docker`docker stop ${site.project}-${service}-1`
    try {
      const ran = await site.run('verify')
      assert.equal(ran.exitCode, 1)
      assert.doesNotMatch(ran.text, /\n\s+at /)
      for (const line of lines) assert.ok(ran.stdout.includes(`✗ ${line}`), ran.text)
    } finally {
      await docker`docker start ${site.project}-${service}-1`
    }
  }
})

/** Which lines about the site are red; this machine's users and packages are not the site. */
async function red(): Promise<string[]> {
  const ran = await site.run('verify', '--json')
  const verdicts = JSON.parse(ran.stdout) as {
    chapter: string
    required: string
    ok: boolean
    evidence: string
  }[]
  assert.equal(ran.exitCode, verdicts.every(({ ok }) => ok) ? 0 : 1)
  const own = verdicts.filter(({ chapter }) => chapter !== 'Prepare the server')
  assert.equal(own.length, 14)
  for (const { evidence } of own) assert.ok(evidence.length > 3)
  return own
    .filter(({ ok }) => !ok)
    .map(({ required }) => required)
    .sort()
}
