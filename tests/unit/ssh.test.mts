/** The folder of ssh's sockets: whoever can open one of them is root on the server. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { sh, socketFolder, socketsOf, sshOptions } from '../../scripts/lib/host/ssh.mts'
import { refusal } from '../lib/refusal.mts'

const home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
after(() => rmSync(home, { recursive: true }))
const folder = path.join(home, 'sockets')

const expectOurs = () => {
  const found = lstatSync(folder)
  assert.deepEqual([found.isDirectory(), found.mode & 0o777, found.uid], [true, 0o700, process.getuid?.()])
}

test('it is made, kept, and made anew when others could have put something in', () => {
  assert.equal(socketFolder(folder), folder)
  writeFileSync(path.join(folder, 'socket'), '')
  socketFolder(folder)
  expectOurs()
  assert.ok(lstatSync(path.join(folder, 'socket')).isFile())
  chmodSync(folder, 0o777)
  socketFolder(folder)
  expectOurs()
  assert.equal(lstatSync(path.join(folder, 'socket'), { throwIfNoEntry: false }), undefined)
})

test('a link in its place is not followed', () => {
  const elsewhere = path.join(home, 'elsewhere')
  mkdirSync(elsewhere, { mode: 0o700 })
  writeFileSync(path.join(elsewhere, 'kept'), '')
  rmSync(folder, { recursive: true })
  symlinkSync(elsewhere, folder)
  socketFolder(folder)
  expectOurs()
  assert.ok(lstatSync(path.join(elsewhere, 'kept')).isFile())
})

test('where it cannot be made, the sentence says what to type', () => {
  assert.match(
    refusal(() => socketFolder('/proc/prusa-ssh')),
    /is not this user’s alone, and cannot be made so\n.*nothing was changed.\n {2}Next: {2}Have it removed: sudo rm -rf \/proc\/prusa-ssh/,
  )
})

test('its path leaves room for ssh’s own part of a socket’s name, whatever TMPDIR says', () => {
  process.env.TMPDIR = `/tmp/${'long'.repeat(30)}`
  const control = sshOptions('', ['web']).find((option) => option.startsWith('ControlPath=')) ?? ''
  delete process.env.TMPDIR
  assert.ok(control.length > 0 && control.length < 'ControlPath='.length + 108 - 61, control)
})

test('two servers with one address behind different jump hosts have a connection each', () => {
  const [one, other, again] = [['one'], ['other'], ['one']].map((words) => socketsOf('', words))
  assert.notEqual(one, other)
  assert.equal(one, again)
})

test('a word for sh is one word', () => {
  const odd = `it's "one" $(word) \\ of\nsh`
  assert.equal(spawnSync('sh', ['-c', `printf %s ${sh(odd)}`], { encoding: 'utf8' }).stdout, odd)
})
