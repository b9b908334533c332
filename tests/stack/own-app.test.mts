/** Somebody else's application with the contract of the task sheet: another folder in the configuration is all it takes. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { type Deployment, docker } from '../lib/deployment.mts'
import { basic } from '../lib/get.mts'
import { LONG, testLong } from '../lib/long.mts'
import { changing } from '../lib/shared.mts'
import { as } from '../lib/sql.mts'
import { makeWheels } from '../lib/wheels.mts'

let site: Deployment
let source: string
before(async () => {
  const made = await changing.take()
  site = made.site
  source = made.source
})
after(async () => {
  const image = python()
  await changing.leave(async () => {
    if (LONG) await docker`docker rmi ${image}` // no other test has these requirements
  })
})

/** The base image that Debian mode makes for its requirements. */
function python(): string {
  const stack = defaults(stackSchema)
  return baseImages({ ...stack, app: { ...stack.app, source } }, 'debian').python
}

test('the application serves through the load balancer, with its database and with Redis', async () => {
  assert.equal((await site.get('/')).body, 'Hello from the minimal application')
  assert.equal((await site.get('/palindrom/level')).body, 'yes')
  assert.deepEqual(await as(site, 'developer', 'SELECT text FROM minimal'), { ok: true, text: 'level' })
  const hits = Number((await site.get('/redis-hits')).body)
  assert.equal(Number((await site.get('/redis-hits')).body), hits + 1)
  assert.equal((await site.get('/admin')).status, 401)
  assert.equal((await site.get('/ready-for-deploy')).status, 404)
  const { red, text } = await verified()
  assert.deepEqual(red, [])
  assert.doesNotMatch(text, /holds the password/)
})

test('nginx drops what a client writes about itself into X-Forwarded-* and the like', async () => {
  const forged = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'forged',
    'X-Forwarded-Host': 'forged.example',
    'X-Forwarded-Port': 'forged',
    'X-Forwarded-Prefix': '/forged',
    'X-Forwarded-Server': 'forged',
    'X-Real-IP': '6.6.6.6',
    'X-Request-ID': 'forged',
    Forwarded: 'for=6.6.6.6;proto=forged',
    X_Forwarded_For: '6.6.6.6',
    'X-Original-URL': '/forged',
    'X-Rewrite-URL': '/forged',
    Proxy: 'http://forged/',
  }
  const { body } = await site.get('/headers', forged)
  assert.doesNotMatch(body, /forged|6\.6\.6\.6/)
  const headers = JSON.parse(body) as Record<string, string>
  assert.equal(headers['X-Forwarded-Proto'], 'https')
  assert.match(headers['X-Forwarded-For'] as string, /^\d+\.\d+\.\d+\.\d+$/)
  assert.equal(headers['X-Forwarded-Host'], `localhost:${site.ports.https}`)
})

test('nginx checks the password of /admin and does not pass it on; on other pages Authorization is the application’s', async () => {
  const Authorization = basic('developer', site.secret('admin_password'))
  const seen = async (page: string) => JSON.parse((await site.get(page, { Authorization })).body)
  assert.equal((await seen('/admin/headers')).Authorization, undefined)
  assert.equal((await seen('/headers')).Authorization, Authorization)
})

const BROKEN: [what: string, from: string, to: string, told: RegExp][] = [
  [
    'has its database’s address from elsewhere, and prints its own',
    'if __name__ == "__main__":',
    'if __name__ == "__main__":\n    print(os.environ["DATABASE_URI"], flush=True)\n    psycopg2.connect("host=127.0.0.1 port=1")',
    /\w+-app-\d+ crashes .*it cannot reach its database \(.*127\.0\.0\.1.*refused[\s\S]*app:\*\*\*@db:5432[\s\S]*Next: {2}.*DATABASE_URI/,
  ],
  [
    'lacks a module, which create_db.py finds out',
    'import psycopg2',
    'import psycopg2, flask_cors',
    /create_db\.py fails: it lacks the module flask_cors [\s\S]*Next: {2}Name the package .* requirements\.txt, then: npm run redeploy/,
  ],
]
for (const [what, from, to, told] of BROKEN)
  test(`redeploy refuses a release that ${what}, says why, and shows no password`, async () => {
    const file = path.join(source, 'app.py')
    const code = readFileSync(file, 'utf8')
    writeFileSync(file, code.replace(from, to))
    const before = await site.containers('app')
    const { exitCode, text } = await site.run('redeploy')
    writeFileSync(file, code)
    assert.equal(exitCode, 1, text)
    assert.match(text, told)
    assert.ok(!text.includes(site.secret('db_owner_password')))
    assert.deepEqual(await site.containers('app'), before)
  })

/** Who brought a module, for each that is named. */
const WHERE = `
import importlib.util, sys
for name in sys.argv[1:]:
    print(name, "Debian" if importlib.util.find_spec(name).origin.startswith("/usr/lib/") else "pip")`

testLong(
  'a release with other requirements loses no request: its packages come from Debian, and from pip where Debian has none',
  async () => {
    const put = (name: string, content: string) => writeFileSync(path.join(source, name), content)
    mkdirSync(path.join(source, 'deps'))
    await makeWheels(python(), path.join(source, 'vendor'), ['local_thing', '1.0'], ['toolz', '99.0'])
    put(
      'requirements.txt',
      '\ufeff--no-index\r\n-r deps/base.txt\r\n--find-links ./vendor\r\n./vendor/local_thing-1.0-py3-none-any.whl\r\n' +
        'toolz==99.0  # newer than Debian’s\r\nnothing-here==1 ; sys_platform == "win32"\r\n',
    )
    put('deps/base.txt', '-c limits.txt\nPyYAML\nflask[dotenv] \\\n  >=3\npsycopg2\ntabulate\n')
    put('deps/limits.txt', 'tabulate<1\n')
    const code = readFileSync(path.join(source, 'app.py'), 'utf8')
    // It prints its DATABASE_URI, as the application of the task sheet does.
    put('app.py', `import os\nimport tabulate\nprint(os.environ["DATABASE_URI"], flush=True)\n${code}`)
    const before = await site.containers('app')
    assert.match(await site.must('redeploy', '--dry-run'), /^make the base image .*python.*\nbuild release/m)
    await site.unnoticed(() => site.must('redeploy'))
    const now = await site.containers('app')
    assert.equal(now.length, 2)
    assert.ok(now.every((name) => !before.includes(name)))
    const modules = ['yaml', 'flask', 'dotenv', 'psycopg2', 'tabulate', 'toolz', 'local_thing']
    const { stdout } = await docker`docker exec ${now[0]} python -c ${WHERE} ${modules}`
    const expected = modules.map((name) => `${name} ${/toolz|local/.test(name) ? 'pip' : 'Debian'}`)
    assert.deepEqual(stdout.trim().split('\n'), expected)
  },
)

testLong(
  'verify warns of replicas that logged the owner’s password, shows no password, and fails no line',
  async () => {
    const { red, text } = await verified()
    const [first, second] = await site.containers('app')
    assert.match(
      text,
      new RegExp(`^! The log of ${first} and ${second} holds the password.*rotate db_owner`, 'm'),
    )
    assert.ok(!text.includes(site.secret('db_owner_password')))
    assert.deepEqual(red, [])
  },
)

test('its own Dockerfile wins over ours', async () => {
  const dockerfile = `ARG PYTHON_IMAGE
FROM \${PYTHON_IMAGE}
LABEL built.by=themselves
WORKDIR /elsewhere
COPY . .
CMD ["python", "app.py"]
`
  writeFileSync(path.join(source, 'Dockerfile'), dockerfile)
  site.configure({ app: { environment: { MINIMAL_DRAIN: '2' } } })
  await site.must('redeploy')
  for (const name of await site.containers('app')) {
    const format = '{{index .Config.Labels "built.by"}} {{.Config.WorkingDir}}'
    assert.equal((await docker`docker inspect -f ${format} ${name}`).stdout.trim(), 'themselves /elsewhere')
  }
  assert.equal((await site.get('/palindrom/noon')).body, 'yes')
})

testLong('docker stop lets a replica of its own Dockerfile prepare, and gives its exit code', async () => {
  const [replica = ''] = await site.containers('app')
  await docker`docker stop ${replica}`
  const log = (await docker`docker logs ${replica}`).stdout
  const seconds = Number(/said Ready: stops it after ([\d.]+) s/.exec(log)?.[1])
  assert.ok(seconds >= 2 && seconds < 60, log)
  assert.equal((await docker`docker inspect -f {{.State.ExitCode}} ${replica}`).stdout.trim(), '143')
  await docker`docker start ${replica}`
})

testLong(
  'a Dockerfile without Python as python, or without a command, is built as it is, and the operator is told',
  async () => {
    const bare = (rest: string) =>
      writeFileSync(path.join(source, 'Dockerfile'), `ARG PYTHON_IMAGE\nFROM \${PYTHON_IMAGE}\n${rest}\n`)
    bare('ENV PATH=/nowhere\nCMD ["/usr/bin/python3", "app.py"]')
    assert.match(await site.must('02-build'), /without the first process .*: it has no Python 3\.8 or later/)
    bare('ENTRYPOINT []\nCMD []')
    assert.match(
      await site.must('02-build'),
      /without the first process .*: it has neither ENTRYPOINT nor CMD/,
    )
    const { stdout } = await docker`docker images ${`${site.project}/app`} --format {{.Tag}}`
    assert.doesNotMatch(stdout, /bare/)
  },
)

/** What verify finds of the site: the lines that are red, and all that it prints. */
async function verified(): Promise<{ red: unknown[]; text: string }> {
  const { stdout, text } = await site.run('verify', '--json')
  const verdicts = JSON.parse(stdout) as { chapter: string; ok: boolean }[]
  return { red: verdicts.filter(({ chapter, ok }) => !ok && chapter !== 'Prepare the server'), text }
}
