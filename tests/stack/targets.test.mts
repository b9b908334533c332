/** A target is a release and everything that its replicas are started with: each comes, goes and comes back as a whole. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { type Deployment, docker } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { changing } from '../lib/shared.mts'

const WAITS = { MINIMAL_WARMUP: '0', MINIMAL_DRAIN: '0' }

let site: Deployment
let source: string
before(async () => {
  const made = await changing.take()
  site = made.site
  source = made.source
})
after(() => changing.leave())

/** The application's own variables from now on. */
function environment(own: Record<string, string>): void {
  site.configure({ app: { environment: undefined } })
  site.configure({ app: { environment: { ...WAITS, ...own } } })
}

/** Makes the source another one, and so the release. */
const change = () => appendFileSync(path.join(source, 'app.py'), `# ${Math.random()}\n`)

/** The value of a variable in each running replica. */
async function variable(name: string): Promise<string[]> {
  const names = await site.containers('app')
  const { stdout } = await docker`docker inspect -f ${'{{json .Config.Env}}'} ${names}`
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[])
  return all.map((env) => env.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '')
}

const history = async () => JSON.parse((await site.run('history', '--json')).stdout)

/** How many pages answer 200 in so many requests, one after the other. */
async function answered(requests: number): Promise<number> {
  let good = 0
  for (let request = 0; request < requests; request++) if ((await site.get('/')).status === 200) good++
  return good
}

test('status asks for a rollout of other settings, and redeploy does it like any other', async () => {
  const [release] = await site.releases()
  assert.doesNotMatch((await site.run('status')).text, /other settings|Next:/)
  environment({ COLOR: 'blue' })
  assert.match((await site.run('status')).text, /other settings[\s\S]*Next: npm run redeploy/)
  const text = await site.unnoticed(() => site.must('redeploy'))
  assert.match(text, new RegExp(`0 failed, .*release ${release} with other settings in`))
  assert.deepEqual(await variable('COLOR'), ['blue', 'blue'])
  assert.deepEqual(await site.releases(), [release, release])
  const last = (await history()).at(-1)
  assert.equal(last.from, last.to)
  assert.notEqual(last.fromTarget, last.toTarget)
  // Readable by hand, and for root alone.
  const folder = path.join(site.folder, 'targets', last.toTarget)
  assert.match(readFileSync(path.join(folder, 'app.env'), 'utf8'), /^COLOR="blue"$/m)
  assert.match(readFileSync(path.join(folder, 'revision'), 'utf8'), /^[0-9a-f]{40}|unknown/)
  const { stdout } = await docker`stat -c %a ${path.join(folder, 'app.env')} ${path.dirname(folder)}`
  assert.equal(stdout, '600\n700\n')
})

test('redeploy takes back settings with which requests fail, and starts no second replica with them', async () => {
  const old = await site.ids()
  site.configure({ rollout: { surge: 1 }, probe: { rate: 50 } })
  environment({ COLOR: 'red', MINIMAL_FAIL: '1' })
  const { exitCode, text } = await site.run('redeploy')
  assert.equal(exitCode, 1, text)
  assert.match(text, /Release (\w+) with other settings was not rolled out: requests fail/)
  assert.match(text, /app-\d+ \(running[\s\S]*told to fail[\s\S]*State: release \w+ serves as before\./)
  assert.match(text, /Next: +Correct the application or its settings/)
  assert.equal(text.match(/✓ 1 replica of/g)?.length, 2, text)
  assert.doesNotMatch(text, /starts others/)
  assert.deepEqual(await variable('COLOR'), ['blue', 'blue'])
  assert.equal(await answered(20), 20)
  // The healthy one that had not been replaced was not touched.
  const now = await site.ids()
  assert.equal(now.filter((id) => !old.includes(id)).length, 1)
  assert.equal((await history()).at(-1).result, 'went back')
  site.configure({ rollout: { surge: 'all' }, probe: { rate: 10 } })
})

testLong(
  'the second replica of a new release with new settings never gets ready: redeploy goes back to the old release and settings',
  async () => {
    const [old] = await site.releases()
    change()
    environment({ COLOR: 'red', MINIMAL_ONE: `one-${Date.now()}` })
    site.configure({ rollout: { surge: 1, ready_timeout: 10 }, probe: { rate: 10 } })
    await site.unnoticed(async () => {
      const { exitCode, text } = await site.run('redeploy')
      assert.equal(exitCode, 1, text)
      assert.match(text, /ready: not within 10 s[\s\S]*going back to release/)
      assert.match(text, new RegExp(`State: release ${old} serves as before\\.`))
    })
    site.configure({ rollout: { surge: 'all', ready_timeout: 120 } })
    assert.deepEqual(await site.releases(), [old, old])
    assert.deepEqual(await variable('COLOR'), ['blue', 'blue'])
  },
)

test('redeploy succeeds while somebody prunes stopped containers', async () => {
  change()
  environment({ COLOR: 'green' })
  const rollout = site.begin('redeploy')
  const pruned: Promise<unknown>[] = []
  rollout.stderr.on('data', () => {
    const own = [`project=${site.project}`, 'oneoff=False'].flatMap((label) => [
      '--filter',
      `label=com.docker.compose.${label}`,
    ])
    pruned.push(docker({ nothrow: true })`docker container prune -f ${own}`.then(() => {}))
  })
  const { exitCode, stdall } = await rollout
  await Promise.all(pruned)
  assert.equal(exitCode, 0, stdall)
  assert.equal(new Set(await site.releases()).size, 1)
  assert.deepEqual(await variable('COLOR'), ['green', 'green'])
})

test('rollback starts the old release with its old settings and the current passwords', async () => {
  const old = (await history()).at(-1).from
  const password = randomBytes(32).toString('base64url')
  writeFileSync(path.join(site.folder, 'secrets/db_owner_password'), `${password}\n`)
  await site.must('03-db')
  environment({ COLOR: 'yellow' })
  await site.unnoticed(() => site.must('rollback'))
  assert.deepEqual(await site.releases(), [old, old])
  assert.deepEqual(await variable('COLOR'), ['blue', 'blue'])
  for (const uri of await variable('DATABASE_URI')) assert.ok(uri.includes(password))
  assert.match((await site.run('rollback', '--release', old)).text, /already running: nothing to do/)
})

test('redeploy removes a container that never ran, and makes another fresh replica when somebody removes one', async () => {
  site.configure({ rollout: { surge: 1 } })
  // As a rollout leaves it that is cut off between making and starting.
  const folder = path.join(site.folder, 'targets', (await history()).at(-1).toTarget)
  await docker({
    cwd: folder,
  })`docker compose --env-file stack.env -f stack.yaml create --no-recreate --scale app=3 app`
  const before = await site.containers('app')
  const made = (await site.containers('app', true)).find((name) => !before.includes(name))
  assert.ok(made)
  change()
  const [old] = await site.releases()
  const rollout = site.begin('redeploy')
  await site.printed(rollout, /load balancer[\s\S]*load balancer/)
  const fresh = (await site.containers('app')).find((name) => !before.includes(name))
  await docker`docker rm -f ${fresh}`
  const output = await rollout
  assert.equal(output.exitCode, 0, output.stdall)
  assert.match(output.stdall, /starts others/)
  assert.match(output.stdall, new RegExp(`${made} did not run: removed`))
  assert.doesNotMatch(output.stdall, new RegExp(`${made} drained`))
  const releases = await site.releases()
  assert.equal(releases.length, 2)
  assert.ok(!releases.includes(old as string) && new Set(releases).size === 1)
  site.configure({ rollout: { surge: 'all' } })
})

test('rollback to a release without an image touches nothing and says which images there are', async () => {
  const before = await site.ids()
  const gone = (await history()).at(-1).from as string
  assert.notEqual(gone, (await site.releases())[0])
  await docker`docker rmi -f ${`${site.project}/app:${gone}`}`
  const { exitCode, text } = await site.run('rollback')
  assert.equal(exitCode, 1, text)
  assert.match(text, new RegExp(`There is no image of release ${gone} on this machine; there is one of `))
  assert.match(text, new RegExp(`${(await site.releases())[0]}`))
  assert.match(text, /State: nothing was changed\.\n +Next: .*npm run rollback -- --release NAME/)
  assert.deepEqual(await site.ids(), before)
})

testLong('redeploy and rollback go back to a deployment that was made before targets were kept', async () => {
  const [release = ''] = await site.releases()
  const folder = path.join(site.folder, 'compose')
  const file = path.join(folder, 'stack.yaml')
  const definition = readFileSync(file, 'utf8')
    .replace(/labels: .*/, 'labels: { prusa.config: "${CONFIG:-}" }')
    .replace('- ./app.env', '- ${FOLDER}/compose/app.env')
  writeFileSync(file, definition)
  writeFileSync(path.join(folder, 'app.env'), 'COLOR="legacy"\nMINIMAL_WARMUP="0"\nMINIMAL_DRAIN="0"\n')
  rmSync(path.join(site.folder, 'targets'), { recursive: true })
  const old = docker({ cwd: folder, env: { ...process.env, RELEASE: release } })
  await old`docker compose --env-file stack.env -f stack.yaml up -d --no-deps --force-recreate --scale app=2 app`
  environment({ COLOR: 'red', MINIMAL_FAIL: '1' })
  site.configure({ rollout: { surge: 1 }, probe: { rate: 50 } })
  const { exitCode, text } = await site.run('redeploy')
  assert.equal(exitCode, 1, text)
  assert.match(text, /State: release \w+ serves as before\./)
  assert.deepEqual(await variable('COLOR'), ['legacy', 'legacy'])
  site.configure({ rollout: { surge: 'all' }, probe: { rate: 10 } })
  environment({ COLOR: 'blue' })
  await site.must('redeploy')
  await site.must('rollback')
  assert.deepEqual(await variable('COLOR'), ['legacy', 'legacy'])
  assert.deepEqual(await site.releases(), [release, release])
})
