/** What a deployment has brought to the engine goes when nothing needs it any more, and nothing of anybody else's goes. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { type StackConfig, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { ensureBaseImages, identityOf, ownName, pruneImages } from '../../scripts/lib/images/base.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { docker } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'

const host = new Host('local')
const project = `prusatest${randomBytes(3).toString('hex')}`
/** Somebody's images: what the configuration names, and what another deployment has. */
const shared = `${project}shared`
let stack: StackConfig
before(() => {
  const all = defaults(stackSchema)
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  const names = {
    postgres: `${shared}/a:1`,
    redis: `${shared}/a:1`,
    nginx: `${shared}/a:1`,
    haproxy: `${shared}/a:1`,
    python: `${shared}/python:1`,
  }
  stack = { ...all, project, folder, images: 'registry', base_images: { ...all.base_images, ...names } }
})
after(async () => {
  const names = (await all()).filter((name) => !name.endsWith('<none>'))
  if (names.length > 0) await docker`docker rmi -f ${names}`
  rmSync(stack.folder, { recursive: true })
})

test('pruning keeps the old Python image while a release was built on it', async () => {
  await build(`${shared}/a:1`, `FROM scratch\nLABEL ${project}=1`)
  await build(`${shared}/python:1`, `FROM scratch\nLABEL ${project}=2`)
  assert.deepEqual(await ensureBaseImages(host, stack, 'registry'), [])
  const old = await identityOf(host, stack, baseImages(stack, 'registry'))
  await build(`${project}/app:kept`, `FROM scratch\nLABEL prusa.python=${old}`)

  await build(`${shared}/python:1`, `FROM scratch\nLABEL ${project}=3`)
  await ensureBaseImages(host, stack, 'registry')
  assert.notEqual(await identityOf(host, stack, baseImages(stack, 'registry')), old)
  await pruneImages(host, stack)
  await docker`docker image inspect ${old}`

  await docker`docker rmi ${project}/app:kept`
  await pruneImages(host, stack)
  await assert.rejects(docker`docker image inspect ${old}`, /No such image/)
})

test('pruning removes base images of an earlier configuration, unless another deployment has them', async () => {
  const earlier = [`${shared}/old:1`, `${shared}/theirs:1`]
  for (const name of earlier) await build(name, `FROM scratch\nLABEL name=${name}`)
  await docker`docker tag ${shared}/theirs:1 ${shared}/python:theirs`
  await build(`${shared}/stranger:1`, `FROM scratch\nLABEL ${project}=4`)
  writeFileSync(path.join(stack.folder, 'base-images'), `${[...earlier, `${shared}/a:1`].join('\n')}\n`)
  mkdirSync(path.join(stack.folder, 'build/left/over'), { recursive: true })

  await pruneImages(host, stack)
  const left = await all()
  for (const name of earlier) assert.ok(!left.includes(name), name)
  for (const name of ['python:theirs', 'stranger:1', 'a:1', 'python:1'])
    assert.ok(left.includes(`${shared}/${name}`), name)
  assert.ok(left.includes(ownName(stack, 'python', `${shared}/python:1`)))
  assert.equal(readFileSync(path.join(stack.folder, 'base-images'), 'utf8'), `${shared}/a:1\n`)
  assert.throws(() => readFileSync(path.join(stack.folder, 'build')), /ENOENT/)
})

testLong(
  'pruning removes our layers from the build cache where no image holds them, with what is built upon them',
  async () => {
    const { redis } = baseImages(defaults(stackSchema), 'debian')
    const ours = `: prusa base; echo ${project} >/one`
    const theirs = `: others; echo ${project} >/one`
    await build(`${shared}/cache:1`, `FROM ${redis}\nRUN ${ours}\nRUN ${theirs.replace('one', 'upon')}`)
    await build(`${shared}/cache:2`, `FROM ${redis}\nRUN ${theirs}`)
    const prune = async () => {
      mkdirSync(path.join(stack.folder, 'build')) // as a build leaves it
      await pruneImages(host, stack)
    }
    await prune()
    assert.ok((await cache()).includes(ours), 'an image holds it')
    await docker`docker rmi ${shared}/cache:1 ${shared}/cache:2`
    await prune()
    const left = await cache()
    assert.ok(!left.includes(ours) && !left.includes(theirs.replace('one', 'upon')))
    assert.ok(left.includes(theirs))
    const id = left
      .split('\n\n')
      .find((record) => record.includes(theirs))
      ?.match(/^ID:\s+(\S+)/m)?.[1]
    await docker`docker builder prune -f --filter id=${id}`
  },
)

async function build(name: string, dockerfile: string): Promise<void> {
  const build = docker({ input: dockerfile, env: { ...process.env, DOCKER_BUILDKIT: '1' } })
  await build`docker build -q -t ${name} -`
}

const cache = async () => (await docker`docker buildx du --verbose`).stdout

/** Names of the images of this test. */
async function all(): Promise<string[]> {
  const { stdout } = await docker`docker images --format {{.Repository}}:{{.Tag}}`
  return stdout.split('\n').filter((name) => name.startsWith(project))
}
