/** The destination of ssh: what people type as --host, and what ssh's configuration makes of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { askRoute, parseDestination, sshWords } from '../../scripts/lib/host/destination.mts'
import { refusal } from '../lib/refusal.mts'

describe('--host takes', () => {
  for (const [word, ...words] of [
    ['web', 'web'],
    ['admin@203.0.113.7', 'admin@203.0.113.7'],
    ['me@corp@web', 'me@corp@web'],
    ['admin@web:2222', '-p', '2222', 'admin@web'],
    ['ssh://admin@example.org:2222', '-p', '2222', 'admin@example.org'],
    ['ssh://example.org/', 'example.org'],
    ['root@2001:db8::1', 'root@2001:db8::1'],
    ['[::1]', '::1'],
    ['root@[2001:db8::1]', 'root@2001:db8::1'],
    ['root@[::1]:2222', '-p', '2222', 'root@::1'],
    ['ssh://root@[::1]:2222', '-p', '2222', 'root@::1'],
    ['root@fe80::1%eth0', 'root@fe80::1%eth0'],
  ] as const)
    test(word, () => assert.deepEqual(sshWords(parseDestination(word)), words))

  for (const word of ['', '-oProxyCommand=x', '-x@web', 'a b', 'a\nb', 'root@', '[::1', 'a:b', 'a/b'])
    test(`and refuses “${word}”`, () =>
      assert.equal(
        refusal(() => parseDestination(word)),
        `\n✗ “${word}” is not a host\n  Next:  Give it as --host USER@NAME.`,
      ))
})

describe('by its configuration, ssh connects to', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  const file = path.join(folder, 'config')
  before(() =>
    writeFileSync(
      file,
      `Host prod
  HostName 203.0.113.7
Host inner
  HostName 10.0.0.5
  ProxyJump prod
Host piped
  ProxyCommand nc %h %p
Host straight
  ProxyJump none
`,
    ),
  )
  after(() => rmSync(folder, { recursive: true }))

  for (const [name, hostname, jumps] of [
    ['prod', '203.0.113.7', false],
    ['inner', '10.0.0.5', true],
    ['piped', 'piped', true],
    ['straight', 'straight', false],
    ['root@2001:db8::1', '2001:db8::1', false],
  ] as const)
    test(name, () => assert.deepEqual(askRoute(['-F', file, name]), { hostname, jumps }))

  test('nothing when the configuration is wrong; the error holds its message', () => {
    writeFileSync(path.join(folder, 'bad'), 'Nonsense yes\n')
    assert.match(
      refusal(() => askRoute(['-F', path.join(folder, 'bad'), 'web'])),
      /ssh cannot tell where web is: .*nonsense\n(.*\n)*.*Next: {2}Correct its configuration/,
    )
  })
})
