/** What bad input gets: a clear sentence, exit code 1 or 2, no stack trace, and a site that was not touched. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { copyOf } from '../lib/application.mts'
import type { Deployment, Ran } from '../lib/deployment.mts'
import { testLong } from '../lib/long.mts'
import { freePort } from '../lib/ports.mts'
import { beginning } from '../lib/shared.mts'

let site: Deployment
before(async () => {
  site = await beginning.take()
})
after(() => beginning.leave())

testLong('an application that never gets ready, or crashes, fails the first deployment', async () => {
  // A crash is waited for as long as it takes on any machine.
  const environment = (WARMUP_SECONDS: string, ready_timeout = 120) =>
    site.configure({ app: { environment: { WARMUP_SECONDS } }, rollout: { ready_timeout } })
  environment('3600', 10)
  for (const script of ['02-build', '03-db']) await site.must(script)
  shown(
    await site.run('04-stack'),
    /ready: not within 10 s; last seen: .*404 “Not ready”[\s\S]*start: listening[\s\S]*Next:/,
  )
  environment('soon')
  shown(await site.run('04-stack'), /crashes[\s\S]*WARMUP_SECONDS must be a number[\s\S]*Next:/)
  assert.deepEqual(await site.containers('app'), [])
  environment('0')
})

test('a first deployment completes what is there of one', async () => {
  for (const script of ['02-build', '03-db', '04-stack']) await site.must(script)
  assert.equal((await site.get('/')).status, 200)
})

test('the scripts refuse a host that cannot be reached', async () => {
  await refused(
    await site.run('04-stack', '--host', `ssh://nobody@127.0.0.1:${await freePort()}`),
    /cannot be reached: .*refused/i,
  )
  await refused(await site.run('03-db', '--host', 'nobody@does-not-exist.invalid'), /cannot be reached/)
})

test('04-stack refuses an unknown flag', async () => {
  const ran = await site.run('04-stack', '--verbos')
  await refused(ran, /--verbos is not a flag of this script; the nearest is --verbose/, 2)
})

for (const [what, name, from, to, sentence] of [
  ['malformed YAML', 'stack', /^/, 'app: [1, 2\n', /stack\.yaml, line \d+: /],
  [
    'an invalid public key',
    'server',
    'AAAAC3Nza',
    'BBBBC3Nza',
    /server\.yaml, line \d+: users\[0\]\.keys\[0\] must be a public key/,
  ],
] as const)
  test(`the scripts refuse a configuration with ${what}`, async () => {
    const file = path.join(site.home, `config/${name}.yaml`)
    const before = readFileSync(file, 'utf8')
    try {
      writeFileSync(file, before.replace(from, to))
      await refused(await site.run(name === 'server' ? '01-server' : '04-stack'), sentence)
    } finally {
      writeFileSync(file, before)
    }
  })

test('02-build tells why a build fails, and later steps ask for the build', async () => {
  const source = copy()
  // No index is asked: for a package that it does not know, some take a minute.
  writeFileSync(path.join(source, 'requirements.txt'), '--no-index\nno-such-package-anywhere==1.2.3\n')
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

test('the scripts refuse an application whose create_db.py fails, and one without the files of the contract', async () => {
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

test('02-build says that no registry answers', async () => {
  const nowhere = `127.0.0.1:${await freePort()}/x`
  site.configure({ images: 'registry', base_images: images(nowhere) })
  try {
    await refused(await site.run('02-build'), /Pulling 127\.0\.0\.1:\d+\/x:1: failed[\s\S]*refused/)
  } finally {
    site.configure({ images: 'debian' })
  }
})

test('02-build --fresh says that the Debian mirrors do not answer, and the old images stay', async () => {
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
