/** The output of a scan of an image. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUpgrades } from '../../scripts/lib/images/upgrades.mts'

test('an upgrade has the suites that contain it', () => {
  assert.deepEqual(parseUpgrades('nginx', 'libssl3\t3.5.1\t3.5.2\tstable,stable-security\n'), [
    { image: 'nginx', name: 'libssl3', from: '3.5.1', to: '3.5.2', suites: 'stable,stable-security' },
  ])
  assert.deepEqual(parseUpgrades('nginx', ''), [])
})
