/** What bad input gets: a clear sentence, exit code 1 or 2, no stack trace, and a site that was not touched. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { copyOf } from '../lib/application.mts'
import { Deployment, type Ran } from '../lib/deployment.mts'
import { listening } from '../lib/listening.mts'
import { freePort } from '../lib/ports.mts'

let site: Deployment
let config: string
before(async () => {
  site = await Deployment.start()
  config = path.join(site.home, 'config/stack.yaml')
})
after(() => site?.remove())

const SCRIPTS = ['01-server', '02-build', '03-db', '04-stack', 'deploy', 'redeploy', 'verify']

test('--help of every script prints and connects to nothing, with a broken configuration too', async () => {
  const server = await listening()
  const host = `ssh://nobody@127.0.0.1:${server.port}`
  try {
    writeFileSync(config, `host: ${host}\nbroken: [`)
    const told = await Promise.all(SCRIPTS.map((script) => site.run(script, '--help', '--host', host)))
    for (const { exitCode, stdout, text } of told) {
      assert.equal(exitCode, 0, text)
      assert.match(stdout, /--host USER@NAME/)
    }
    assert.equal(server.connections(), 0)
  } finally {
    site.configure({})
    server.close()
  }
})

test('a host that cannot be reached', async () => {
  await refused(
    await site.run('04-stack', '--host', `ssh://nobody@127.0.0.1:${await freePort()}`),
    /cannot be reached: .*refused/i,
  )
  await refused(await site.run('03-db', '--host', 'nobody@does-not-exist.invalid'), /cannot be reached/)
})

for (const [what, flags, sentence] of [
  ['an unknown flag', ['--verbos'], /--verbos is not a flag of this script; the nearest is --verbose/],
  ['a flag of another script', ['--force'], /--force is not a flag of this script/],
  ['a flag without its value', ['--host'], /--host needs one value/],
  ['a word too many', ['production'], /“production” was not expected/],
  ['a flag given twice', ['--config', '/nowhere'], /--config needs one value/],
] as const)
  test(what, async () => refused(await site.run('04-stack', ...flags), sentence, 2))

for (const [what, yaml, sentence] of [
  ['malformed YAML', 'app: [1, 2', /stack\.yaml, line \d+: /],
  ['an unknown key', 'replica: 2', /line 1: unknown key “replica”; the nearest known one is/],
  [
    'a value of the wrong kind',
    'app: { replicas: many }',
    /app\.replicas must be a whole number from 1 to 16, not “many”/,
  ],
  ['a value out of range', 'app: { replicas: 17 }', /app\.replicas must be a whole number from 1 to 16/],
] as const)
  test(`a configuration with ${what}`, async () => {
    try {
      writeFileSync(config, yaml)
      await refused(await site.run('04-stack'), sentence)
    } finally {
      site.configure({})
    }
  })

for (const [what, from, to, sentence] of [
  [
    'an invalid public key',
    'AAAAC3Nza',
    'BBBBC3Nza',
    /server\.yaml, line \d+: users\[0\]\.keys\[0\] must be a public key/,
  ],
  [
    'a user name that Linux refuses',
    'prusa_admin\n',
    'Prusa Admin\n',
    /users\[0\]\.name must be a user name that Linux takes/,
  ],
] as const)
  test(`a configuration with ${what}`, async () => {
    const file = path.join(site.home, 'config/server.yaml')
    const before = readFileSync(file, 'utf8')
    try {
      writeFileSync(file, before.replace(from, to))
      await refused(await site.run('01-server'), sentence)
    } finally {
      writeFileSync(file, before)
    }
  })

test('a build that fails, and a step before the one that it needs', async () => {
  const source = copy()
  appendFileSync(path.join(source, 'requirements.txt'), 'no-such-package-anywhere==1.2.3\n')
  site.configure({ app: { source } })
  try {
    await refused(
      await site.run('02-build'),
      /no-such-package-anywhere[\s\S]*failed|failed[\s\S]*no-such-package-anywhere/i,
    )
    for (const script of ['03-db', '04-stack'])
      await refused(await site.run(script), /Release \w+ is not built[\s\S]*02-build/)
  } finally {
    site.configure({ app: { source: 'app' } })
  }
})

test('an application without the files of the contract, and one whose create_db.py fails', async () => {
  const source = copy()
  site.configure({ app: { source } })
  try {
    writeFileSync(path.join(source, 'create_db.py'), 'raise SystemExit("the schema cannot be made")\n')
    assert.equal((await site.run('02-build')).exitCode, 0)
    await refused(await site.run('03-db'), /create_db\.py[\s\S]*the schema cannot be made/)
    site.configure({ app: { source: path.join(site.home, 'config') } })
    await refused(await site.run('02-build'), /has no app\.py, create_db\.py, requirements\.txt/)
  } finally {
    site.configure({ app: { source: 'app' } })
  }
})

test('images: registry without a registry', async () => {
  const nowhere = `127.0.0.1:${await freePort()}/x`
  site.configure({ images: 'registry', base_images: images(nowhere) })
  try {
    await refused(await site.run('02-build'), /Pulling 127\.0\.0\.1:\d+\/x:1: failed[\s\S]*refused/)
  } finally {
    site.configure({ images: 'debian' })
  }
})

test('mirrors of Debian that do not answer: fresh images are not made, and those of before are there', async () => {
  const [mirror, security_mirror] = ['http://127.0.0.1:1/debian', 'http://127.0.0.1:1/security']
  site.configure({ debian: { mirror, security_mirror } })
  try {
    await refused(
      await site.run('02-build', '--fresh'),
      new RegExp(`Making the Debian base image: failed[\\s\\S]*mirrors: ${mirror} ${security_mirror}`),
    )
  } finally {
    site.configure({ debian: { mirror: '', security_mirror: '' } })
  }
  await site.must('02-build')
})

test('an application that never gets ready, or crashes, on the first deployment; a good one then completes it', async () => {
  const other = await Deployment.prepare()
  // A crash is waited for as long as it takes on any machine.
  const environment = (WARMUP_SECONDS: string, ready_timeout = 120) =>
    other.configure({ app: { environment: { WARMUP_SECONDS } }, rollout: { ready_timeout } })
  try {
    environment('3600', 6)
    for (const script of ['02-build', '03-db']) assert.equal((await other.run(script)).exitCode, 0)
    shown(
      await other.run('04-stack'),
      /ready: not within 6 s; last seen: .*404 “Not ready”[\s\S]*start: listening[\s\S]*Next:/,
    )
    environment('soon')
    shown(await other.run('04-stack'), /crashes[\s\S]*WARMUP_SECONDS must be a number[\s\S]*Next:/)
    assert.deepEqual(await other.containers('app'), [])
    environment('0')
    const { exitCode, text } = await other.run('04-stack')
    assert.equal(exitCode, 0, text)
    assert.equal((await other.get('/')).status, 200)
  } finally {
    await other.remove()
  }
})

/** Checks what was printed, and that the site serves on in the same containers. */
async function refused(ran: Ran, sentence: RegExp, code = 1): Promise<void> {
  shown(ran, sentence, code)
  assert.equal((await site.get('/')).status, 200)
  const ids = await site.ids()
  untouched ??= ids
  assert.deepEqual(ids, untouched)
}
let untouched: string[] | undefined

function shown(ran: Ran, sentence: RegExp, code = 1): void {
  assert.equal(ran.exitCode, code, ran.text)
  assert.match(ran.text, sentence)
  assert.doesNotMatch(ran.text, /\n\s+at /)
}

const copy = () => copyOf(site, 'app', 'broken')

const images = (name: string) =>
  Object.fromEntries(
    ['postgres', 'redis', 'nginx', 'haproxy', 'python'].map((service) => [service, `${name}:1`]),
  )
