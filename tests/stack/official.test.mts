/** The road on official images: stand-ins with their traits, from a registry on loopback. */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config.mts'
import { Deployment } from '../lib/deployment.mts'
import { Registry } from '../lib/registry.mts'

let registry: Registry
let site: Deployment
let source: string
before(async () => {
  registry = await Registry.start()
  await registry.fill()
  site = await Deployment.prepare({ images: 'registry', base_images: registry.images })
  source = path.join(site.home, 'app')
  cpSync(path.join(ROOT, 'tests/apps/minimal'), source, { recursive: true })
  site.configure({ app: { source, environment: { MINIMAL_WARMUP: '0', MINIMAL_DRAIN: '0' } } })
})
after(async () => {
  await site?.remove()
  await registry?.remove()
})

test('02 to 04: the site is up, each line about it is green, and a second run changes nothing', async () => {
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  assert.equal((await site.get('/')).body, 'Hello from the minimal application')
  assert.equal((await site.get('/palindrom/level')).body, 'yes')
  assert.deepEqual(await red(), [])
  const ids = await site.ids()
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  assert.deepEqual(await site.ids(), ids)
})

test('a new release is rolled out unnoticed', async () => {
  const before = await site.releases()
  appendFileSync(path.join(source, 'app.py'), '# another release\n')
  await site.unnoticed(() => site.must('redeploy'))
  for (const release of await site.releases()) assert.ok(!before.includes(release))
})

/** What verify finds wrong, but for the users and packages of this machine. */
async function red(): Promise<string[]> {
  const { stdout } = await site.run('verify', '--json')
  const verdicts = JSON.parse(stdout) as {
    chapter: string
    required: string
    ok: boolean
    evidence: string
  }[]
  return verdicts
    .filter(({ chapter, ok }) => !ok && chapter !== 'Prepare the server')
    .map(({ required, evidence }) => `${required}: ${evidence}`)
}
