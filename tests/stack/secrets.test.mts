/** The three passwords: where they are, who may read them, and that they are nowhere else. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Deployment, docker, type Ran } from '../lib/deployment.mts'
import { inLayers } from '../lib/layers.mts'
import { ArgumentWatch } from '../lib/watch.mts'

const NAMES = ['db_owner_password', 'db_developer_password', 'admin_password']

let site: Deployment
const outputs: Record<string, string> = {}
const passwords = new Set<string>()
let watch: ArgumentWatch
before(async () => {
  site = await Deployment.prepare()
  watch = await ArgumentWatch.start()
  for (const script of ['02-build', '03-db', '04-stack']) await ran(script)
  for (const name of NAMES) passwords.add(site.secret(name))
  // All three set anew: by SQL, by htpasswd, and in the replicas' environment.
  for (const name of NAMES) writeFileSync(file(name), `${randomBytes(32).toString('base64url')}\n`)
  for (const script of ['03-db', 'redeploy', '04-stack', 'verify']) await ran(script)
  for (const name of NAMES) passwords.add(site.secret(name))
})
after(async () => {
  watch?.stop()
  await site?.remove()
})

test('each password is 32 random bytes in a file that only root can read', () => {
  const folder = path.join(site.folder, 'secrets')
  assert.equal(mode(folder), '700')
  for (const name of readdirSync(folder)) assert.equal(mode(path.join(folder, name)), '600', name)
  for (const name of readdirSync(folder)) assert.equal(statSync(path.join(folder, name)).uid, 0)
  assert.equal(mode(site.folder), '700')
  assert.equal(passwords.size, 6)
  for (const password of passwords) assert.equal(Buffer.from(password, 'base64url').length, 32)
})

test('the scripts print no password, not even with --verbose', () => {
  for (const [script, text] of Object.entries(outputs)) {
    assert.ok(text.length > 100, script)
    for (const password of passwords)
      assert.ok(!text.includes(password), `a password in the output of ${script}`)
  }
})

test('no log of a container has a password', async () => {
  for (const id of await site.ids()) {
    const { stdall } = await docker`docker logs ${id}`
    const name = (await docker`docker inspect -f '{{.Name}}' ${id}`).stdout.trim()
    for (const password of passwords)
      assert.ok(!stdall.includes(password), `a password in the log of ${name}`)
  }
})

test('no image has a password in its history, labels or environment', async () => {
  const images = (await docker`docker images -q --filter ${`reference=${site.project}/app`}`).stdout
    .trim()
    .split('\n')
  for (const id of images) {
    const { stdout: history } =
      await docker`docker history --no-trunc --format '{{.CreatedBy}} {{.Comment}}' ${id}`
    const { stdout: config } = await docker`docker image inspect ${id}`
    for (const password of passwords) assert.ok(!`${history}${config}`.includes(password))
  }
})

test('no layer of the release has a password, and the search finds what is there', async () => {
  const told = await docker`docker inspect -f '{{.Config.Image}}' ${await site.containers('app')}`
  const images = [...new Set(told.stdout.split('\n').filter(Boolean))]
  assert.equal(await inLayers(images, ['Not ready']), true)
  assert.equal(await inLayers(images, [...passwords]), false)
})

test('Docker shows a password in the environment of the replicas and nowhere else', async () => {
  const { stdout } = await docker`docker inspect ${await site.ids()}`
  let replicas = 0
  for (const container of JSON.parse(stdout) as Inspected[]) {
    const { Config } = container
    if (Config.Labels['com.docker.compose.service'] === 'app') {
      assert.ok(Config.Env.some((line) => line.includes(site.secret('db_owner_password'))))
      Config.Env = []
      replicas++
    }
    for (const password of passwords) assert.ok(!JSON.stringify(container).includes(password), container.Name)
  }
  assert.equal(replicas, 2)
})

test('no program has a password as an argument, and the watch sees short-lived programs', async () => {
  const decoy = `decoy${randomBytes(8).toString('hex')}`
  // As short-lived as the programs that the scripts start.
  for (let number = 0; number < 10; number++)
    await new Promise((resolve) => spawn('true', [decoy]).on('exit', resolve))
  const seen = await watch.end()
  assert.ok(seen.includes(decoy), 'the watch missed all ten decoys')
  assert.ok(seen.includes('psql') && seen.includes('htpasswd'), 'the watch missed what the scripts start')
  for (const password of passwords) assert.ok(!seen.includes(password))
})

test('only root can read the files of the deployment that have a password', async () => {
  const everything = readdirSync(site.folder, { recursive: true, withFileTypes: true })
  let looked = 0
  for (const entry of everything.filter((one) => one.isFile())) {
    const place = path.join(entry.parentPath, entry.name)
    const text = readFileSync(place, 'utf8')
    looked++
    if ([...passwords].some((password) => text.includes(password))) assert.equal(mode(place), '600', place)
  }
  assert.ok(looked > 10)
})

interface Inspected {
  Name: string
  Config: { Labels: Record<string, string>; Env: string[] }
}

const file = (name: string) => path.join(site.folder, 'secrets', name)
const mode = (place: string) => (statSync(place).mode & 0o777).toString(8)

async function ran(script: string, ...flags: string[]): Promise<Ran> {
  const told = await site.run(script, '--verbose', ...flags)
  outputs[`${script} ${Object.keys(outputs).length}`] = told.text
  if (script !== 'verify') assert.equal(told.exitCode, 0, told.text.slice(-2000))
  return told
}
