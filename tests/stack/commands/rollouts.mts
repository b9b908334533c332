/** The commands while a rollout is under way, after one that was cut off, and the operator's own commands around one. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import type { Deployment } from '../../lib/deployment.mts'
import { testLong } from '../../lib/long.mts'
import { onTerminal } from '../../lib/terminal.mts'
import { argv } from '../../lib/typed.mts'
import { until } from '../../lib/until.mts'

export function rollouts(deployment: () => Deployment): void {
  describe('rollouts', () => {
    let site: Deployment
    before(() => {
      site = deployment()
    })

    test('while one is under way: who is at it and at which step; another one waits its turn; Ctrl-C says how things are', async () => {
      site.configure({ app: { environment: { WARMUP_SECONDS: '4' } } })
      const [release = ''] = await site.releases()
      const running = site.begin('redeploy')
      await until('status tells of it', async () =>
        /under way: \S+ since \S+ for redeploy, now: ready /.test((await site.run('status')).stdout),
      )
      const { exitCode, text } = await site.run('restart')
      assert.match(text, /Another run is under way: .* for redeploy/)
      assert.equal(exitCode, 1)
      assert.match(await site.must('psql', '-c', 'SELECT 6 * 7'), /42/)
      process.kill(-(running.pid as number), 'SIGINT')
      const cut = await running
      assert.equal(cut.exitCode, 130)
      assert.match(
        cut.stderr,
        new RegExp(
          `✗ Release ${release} with other settings: interrupted at: .*; requests go to .*app-.* of .*${release}.*\\n\\nInterrupted\\.\\n {2}State: what runs keeps running.*\\n {2}Next: {2}run the same command again`,
        ),
      )
    })

    test('one that was cut off is red in status, and its command finishes it; a terminal shows what it is just doing', async () => {
      const broken = await site.run('status')
      assert.equal(broken.exitCode, 1)
      assert.match(
        broken.stdout,
        /✗ The rollout of \w+ by \w+ was interrupted\n {2}Next: npm run redeploy finishes it/,
      )
      const { exitCode, text } = await onTerminal(argv(site, 'redeploy'), [])
      assert.equal(exitCode, 0, text)
      assert.match(text, / {2}Release \w+ with other settings … \d+ s: (ready|swap|stop) \S+-app-\d+/)
      const { exitCode: code, stdout } = await site.run('status')
      assert.equal(code, 0, stdout)
      assert.doesNotMatch(stdout, /under way: /)
    })

    /** What the hooks are told. */
    const file = () => path.join(site.home, 'told')

    test('hooks: one that fails before stops it with nothing touched; after it they are told what came of it', async () => {
      const tell = `env | grep ^ROLLOUT_ | sort >>${file()}`
      const ids = await site.ids()
      const live = readlinkSync(path.join(site.folder, 'nginx/live'))
      site.configure({
        limits: { body: 12 },
        hooks: {
          pre_rollout: 'echo not today; exit 3',
          post_rollout: tell,
          went_back: `echo back >>${file()}`,
        },
      })
      const { exitCode, text } = await site.run('redeploy', '--force')
      assert.equal(exitCode, 1)
      assert.match(
        text,
        /not today\n[\s\S]*✗ The hook pre_rollout .* failed with exit code 3, so the rollout does not begin/,
      )
      assert.deepEqual(await site.ids(), ids)
      assert.equal(readlinkSync(path.join(site.folder, 'nginx/live')), live)
      assert.equal(existsSync(file()), false)
      site.configure({ hooks: { pre_rollout: '' } })
      await site.must('redeploy', '--force')
      const [release] = await site.releases()
      const told = readFileSync(file(), 'utf8')
      assert.match(
        told,
        new RegExp(
          `FAILURES=0\\n.*FROM=${release}\\n.*HOST=local\\n.*RELEASE=${release}\\n.*REPORT=/.*${release}.html\\n.*REQUESTS=[1-9]\\d*\\n.*RESULT=released\\n$`,
        ),
      )
    })

    testLong('hooks: they are told that it went back', async () => {
      rmSync(file())
      site.configure({ app: { environment: { WARMUP_SECONDS: 'soon' } } })
      assert.equal((await site.run('redeploy')).exitCode, 1)
      assert.match(readFileSync(file(), 'utf8'), /FAILURES=0\n[\s\S]*RESULT=went back\nback\n$/)
    })

    after(() =>
      site.configure({
        app: { environment: { WARMUP_SECONDS: '0' } },
        hooks: { post_rollout: '', went_back: '' },
      }),
    )
  })
}
