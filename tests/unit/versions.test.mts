/** What is in the images: the list, what differs from it, and which upgrades count. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, parseScan, versionsPage } from '../../scripts/lib/versions.mts'

const lines = [
  ['nginx', 'package', 'libc6', '2.41-12'],
  ['redis', 'package', 'libc6', '2.41-12'],
  ['python', 'package', 'libc6', '2.42-1'],
  ['redis', 'package', 'adduser', '3.152'],
]

test('a row for each package and version, with the images that have it', () => {
  assert.deepEqual(
    versionsPage(parseScan(lines).versions)
      .split('\n')
      .filter((line) => line.startsWith('| ')),
    [
      '| package | version | images |',
      '| adduser | 3.152 | redis |',
      '| libc6 | 2.41-12 | nginx redis |',
      '| libc6 | 2.42-1 | python |',
    ],
  )
})

test('differences are told both ways, and there are none without', () => {
  const page = versionsPage(parseScan(lines).versions)
  assert.deepEqual(differences(page, page), [])
  const newer = versionsPage(
    parseScan([...lines.slice(0, 3), ['redis', 'package', 'adduser', '3.153']]).versions,
  )
  assert.deepEqual(differences(page, newer), [
    '- | adduser | 3.152 | redis |',
    '+ | adduser | 3.153 | redis |',
  ])
  assert.equal(differences('', page).length, 4)
})

test('an upgrade is told with where it is', () => {
  const line = ['nginx', 'upgrade', 'libssl3', '3.5.1', '3.5.2', 'stable,stable-security']
  assert.deepEqual(parseScan([...lines, line]).upgrades, [
    { image: 'nginx', name: 'libssl3', from: '3.5.1', to: '3.5.2', suites: 'stable,stable-security' },
  ])
})
