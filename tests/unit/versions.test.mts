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

test('an upgrade counts when it is from a security archive or from testing', () => {
  const upgrade = (where: string) => ['nginx', 'upgrade', 'libssl3', '3.5.1', '3.5.2', where]
  const of = (where: string) => parseScan([upgrade(where)]).upgrades[0]?.security
  assert.equal(of('Debian-Security:13/stable-security [amd64]'), true)
  assert.equal(of('Debian:testing [amd64]'), true)
  assert.equal(of('Debian:13.4/stable [amd64]'), false)
})
