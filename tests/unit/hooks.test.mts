/** Hooks, run by a real shell that writes down its variables. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { summarize } from '../../scripts/lib/proof/probe.mts'
import { runHook } from '../../scripts/lib/rollout/hooks.mts'

const folder = mkdtempSync(path.join(tmpdir(), 'prusa-hooks-'))
after(() => rmSync(folder, { recursive: true }))
const file = path.join(folder, 'told')
const about = { from: 'aaa', to: 'bbb' }
const stack = defaults(stackSchema)
const hooks = (command: string) => ({
  ...stack,
  hooks: { pre_rollout: command, post_rollout: command, went_back: command },
})
const TELL = `env | grep ^ROLLOUT_ | sort >${file}`

test('a hook before the rollout gets the releases', async () => {
  await runHook(new Host('local'), hooks(TELL), 'pre_rollout', about)
  assert.equal(readFileSync(file, 'utf8'), 'ROLLOUT_FROM=aaa\nROLLOUT_HOST=local\nROLLOUT_RELEASE=bbb\n')
})

test('a hook after the rollout gets its result', async () => {
  const summary = summarize([
    { due: 0, took: 1, status: 200, error: '', during: '' },
    { due: 1, took: 1, status: 500, error: 'answered 500', during: '' },
  ])
  const proof = { result: 'went back' as const, summary, report: '/x/bbb.html' }
  await runHook(new Host('local'), hooks(TELL), 'went_back', about, proof)
  assert.match(
    readFileSync(file, 'utf8'),
    /ROLLOUT_FAILURES=1\n[\s\S]*REPORT=\/x\/bbb\.html\nROLLOUT_REQUESTS=2\nROLLOUT_RESULT=went back\n$/,
  )
})

test('a hook that fails stops a rollout before it begins, and does not change one that has ended', async () => {
  await assert.rejects(runHook(new Host('local'), hooks('exit 3'), 'pre_rollout', about), {
    what: 'The hook pre_rollout (config/stack.yaml: hooks) failed with exit code 3, so the rollout does not begin',
  })
  const proof = { result: 'released' as const, summary: undefined, report: '' }
  await runHook(new Host('local'), hooks('exit 3'), 'post_rollout', about, proof)
})

test('without a hook nothing runs', async () => {
  await runHook(new Host('local'), stack, 'pre_rollout', about)
})
