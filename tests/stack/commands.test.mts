/** What people type day by day, on one deployment: its ordinary use, its wrong use, and while something is broken. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Deployment } from '../lib/deployment.mts'
import { beginning } from '../lib/shared.mts'
import { destroy } from './commands/destroy.mts'
import { inside } from './commands/inside.mts'
import { logs } from './commands/logs.mts'
import { maintenance } from './commands/maintenance.mts'
import { restarts } from './commands/restart.mts'
import { rollouts } from './commands/rollouts.mts'
import { status } from './commands/status.mts'

let site: Deployment
before(async () => {
  site = await beginning.take()
})
after(() => beginning.leave())

describe('on a deployment', () => {
  before(async () => {
    await Deployment.start({}, site)
  })

  for (const commands of [logs, inside, restarts, status, maintenance, rollouts, destroy])
    commands(() => site)
})

test('when nothing is deployed any more each says so, and leaves nothing', async () => {
  for (const [script, words, code, said] of [
    ['logs', [], 0, /No service has logged anything .* Next: npm run deploy/],
    ['logs', ['--follow'], 0, /No service has logged anything .* Next: npm run deploy/],
    ['logs', ['lb'], 0, /No line in the logs of lb on this machine\. Next: npm run status/],
    ['shell', [], 1, /No replica of \w+ runs on this machine\n {2}State: .*\n {2}Next: {2}npm run deploy/],
    ['psql', [], 1, /no container \w+-db-1 on this machine\n {2}State: .*\n {2}Next: {2}npm run deploy/],
    ['run', ['true'], 1, /No replica of \w+ runs/],
    ['restart', [], 1, /No replica of \w+ runs/],
    ['restart', ['redis'], 1, /There is no container \w+-redis-1/],
    ['maintenance', ['on'], 1, /There is no container \w+-lb-1/],
    ['maintenance', [], 0, /Maintenance is off\./],
    ['status', [], 0, /No replica on this machine\. Next: npm run deploy/],
    ['destroy', ['--yes'], 0, /nothing to do/],
    ['destroy', ['--yes', '--data', '--no-backup'], 0, /nothing to do/],
  ] as [string, string[], number, RegExp][]) {
    const { exitCode, text } = await site.run(script, ...words)
    assert.deepEqual([exitCode, said.test(text)], [code, true], `${script} ${words}: ${text}`)
  }
  assert.equal(existsSync(site.folder), false)
})
