/** Rollouts in front of a running client: whatever becomes of the release, the client must not notice. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { copyOf } from '../lib/application.mts'
import { Deployment, docker } from '../lib/deployment.mts'
import { DENSE } from '../lib/load.mts'
import { testLong } from '../lib/long.mts'
import { beginning } from '../lib/shared.mts'

let site: Deployment
let app: string
before(async () => {
  site = await beginning.take()
  app = copyOf(site, 'app')
})
after(() => beginning.leave())

/** Makes the source another one, and so the release. */
function change(code = `# ${Math.random()}`): void {
  appendFileSync(path.join(app, 'lifecycle.py'), `\n${code}\n`)
}

/** A change that is taken back when the work is done. */
async function broken(
  file: string,
  edit: (code: string) => string,
  work: () => Promise<void>,
): Promise<void> {
  const place = path.join(app, file)
  const code = readFileSync(place, 'utf8')
  const edited = edit(code)
  assert.notEqual(edited, code)
  writeFileSync(place, edited)
  try {
    await work()
  } finally {
    writeFileSync(place, code)
  }
}

describe('a rollout', () => {
  before(async () => {
    await Deployment.start({ app: { source: app }, rollout: { surge: 1, stop_timeout: 15 } }, site)
  })

  /** The releases that were rolled out, the earliest first. */
  const released: string[] = []

  for (const settings of [
    { rollout: { order: 'start-first', canary: { seconds: 1 } } },
    { rollout: { order: 'stop-first', abort_on_errors: false, keep_releases: 2 } },
  ])
    test(`a new release costs no request: ${settings.rollout.order}, one replica at a time`, async (context) => {
      const { order, canary, abort_on_errors } = defaults(stackSchema).rollout
      const usual = { order, abort_on_errors, canary: { ...canary, seconds: 0 } }
      context.after(() => site.configure({ rollout: usual }))
      const [old] = await site.releases()
      site.configure(settings)
      change()
      await site.unnoticed(async () => {
        const text = await site.must('redeploy')
        assert.match(text, /\d+ requests, 0 failed, slowest \d+ ms, release \w+ → \w+ in [\d.]+ (s|min)/)
      }, DENSE)
      const [one = '', ...others] = await site.releases()
      assert.notEqual(one, old)
      assert.deepEqual(others, [one])
      released.push(one)
    })

  test('redeploy has removed old images and kept the last ones', async () => {
    const { stdout } = await docker`docker images ${`${site.project}/app`} --format {{.Tag}}`
    assert.deepEqual(stdout.trim().split('\n').sort(), released.slice(-2).sort())
  })

  test('redeploy with the same source touches nothing', async () => {
    const before = await site.ids()
    const text = await site.must('redeploy')
    assert.match(text, /already running/)
    assert.deepEqual(await site.ids(), before)
  })

  test('--dry-run prints the plan and changes nothing', async () => {
    const before = await site.ids()
    const { exitCode, stdout } = await site.run('redeploy', '--dry-run', '--force')
    assert.equal(exitCode, 0)
    assert.match(stdout, /start 1 replica of .*\n.*\/status[\s\S]* to prepare;/)
    assert.deepEqual(await site.ids(), before)
  })

  const FAILURES: [
    run: typeof testLong,
    what: string,
    file: string,
    edit: (code: string) => string,
    told: RegExp,
    seconds: number,
  ][] = [
    [
      testLong,
      'crashes at the start',
      'app.py',
      (code) => `raise SystemExit('no such luck')\n${code}`,
      /crashes[\s\S]*\((running|(restarting|exited), exit code 1), .*restarted \d+ times\)[\s\S]*no such luck/,
      120,
    ],
    [
      test,
      'never gets ready',
      'lifecycle.py',
      (code) =>
        code.replace(/^/, 'import builtins\n').concat('\nLifecycle.ready = property(lambda self: False)\n'),
      /ready: not within 10 s; last seen: .*404 “Not ready”/,
      10,
    ],
  ]
  for (const [run, what, file, edit, message, ready_timeout] of FAILURES)
    run(`the old release keeps serving when the new one ${what}`, async () => {
      const before = await site.containers('app')
      site.configure({ rollout: { ready_timeout } })
      await broken(file, edit, () =>
        site.unnoticed(async () => {
          const { exitCode, text } = await site.run('redeploy')
          assert.equal(exitCode, 1, text)
          assert.match(text, message)
          assert.match(text, /State: release \w+ serves as before/)
        }),
      )
      assert.deepEqual(await site.containers('app'), before)
      site.configure({ rollout: { ready_timeout: 120 } })
    })

  test('a release that fails on the probe’s page serves nobody, also in a slot that has kept an older replica’s drain', async () => {
    const before = await site.containers('app')
    const ask = (question: string) =>
      docker`perl ${ROOT}/scripts/remote/balancer.pl ${site.folder}/haproxy/run ask ${question}`
    const free = [...(await ask('show servers state app')).stdout.matchAll(/^\d+ app \d+ (app\d+) - /gm)]
    await ask(free.map(([, slot]) => `set server app/${slot} state drain`).join(';'))
    await broken(
      'app.py',
      (code) => code.replace('return "Hello, world!", TEXT', 'return "Sorry", 500, TEXT'),
      () =>
        site.unnoticed(async () => {
          const { exitCode, text } = await site.run('redeploy')
          assert.equal(exitCode, 1, text)
          assert.match(text, /app-\d+ answers \/ with 500, 500, .*; it got no requests/)
          assert.match(text, /State: release \w+ serves as before/)
        }),
    )
    assert.deepEqual(await site.containers('app'), before)
  })

  test('redeploy takes back a release that fails on a page of the users alone', async () => {
    const before = await site.releases()
    site.configure({ rollout: { canary: { seconds: 10 } } })
    await broken(
      'app.py',
      (code) =>
        code.replace(
          '        if not is_palindrome(text):',
          '        return "Sorry", 500, TEXT\n        if not is_palindrome(text):',
        ),
      async () => {
        const { requests, failed } = await site.underLoad(
          async () => {
            const { exitCode, text } = await site.run('redeploy')
            assert.equal(exitCode, 1, text)
            assert.match(
              text,
              /requests fail that did not fail before: \d+ of \d+ on the fresh replicas, 0 of \d+ on the others/,
            )
            assert.match(text, /State: release \w+ serves as before/)
          },
          { page: '/palindrom/users', rate: 50 },
        )
        assert.ok(failed.length > 0 && failed.length < requests / 10, `${failed.length} of ${requests}`)
      },
    )
    assert.deepEqual(await site.releases(), before)
    site.configure({ rollout: { canary: { seconds: 0 } } })
  })

  test('rollback goes back to the release before, without a build, and costs no request: start-first, surge all', async () => {
    const [old] = released
    site.configure({ rollout: { surge: 'all', canary: { share: 50, requests: 5, seconds: 1 } } })
    await site.unnoticed(async () => {
      const text = await site.must('rollback')
      assert.doesNotMatch(text, /built/)
    }, DENSE)
    assert.deepEqual(await site.releases(), [old, old])
  })

  test('history and status show these rollouts', async () => {
    const history = JSON.parse((await site.run('history', '--json')).stdout)
    assert.ok(history.some((entry: { result: string }) => entry.result === 'went back'))
    assert.match((await site.run('history')).stdout, /^when \(UTC\) +who +from +to +result/)
    assert.equal(JSON.parse((await site.run('status', '--json')).stdout).replicas.length, 2)
    assert.ok(existsSync(path.join(ROOT, 'reports', `${history.at(-1).to}.html`)))
  })
})
