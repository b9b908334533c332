/** The folder for ssh's sockets: whoever can open one of them is root on the server. */
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

test('the folder is made, kept, and made anew when it is open to others', () => {
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

test('a link in place of the folder is not followed', () => {
  const elsewhere = path.join(home, 'elsewhere')
  mkdirSync(elsewhere, { mode: 0o700 })
  writeFileSync(path.join(elsewhere, 'kept'), '')
  rmSync(folder, { recursive: true })
  symlinkSync(elsewhere, folder)
  socketFolder(folder)
  expectOurs()
  assert.ok(lstatSync(path.join(elsewhere, 'kept')).isFile())
})

test('when the folder cannot be made, the error says what to type', () => {
  assert.match(
    refusal(() => socketFolder('/proc/prusa-ssh')),
    /is open to others or is not yours, and cannot be replaced\n.*nothing was changed.\n {2}Next: {2}Remove it: sudo rm -rf \/proc\/prusa-ssh/,
  )
})

test('the path leaves room for the part of a socket’s name that ssh adds, whatever TMPDIR is', () => {
  process.env.TMPDIR = `/tmp/${'long'.repeat(30)}`
  const control = sshOptions('', ['web']).find((option) => option.startsWith('ControlPath=')) ?? ''
  delete process.env.TMPDIR
  assert.ok(control.length > 0 && control.length < 'ControlPath='.length + 108 - 61, control)
})

test('two servers with the same address behind different jump hosts do not share a connection', () => {
  const [one, other, again] = [['one'], ['other'], ['one']].map((words) => socketsOf('', words))
  assert.notEqual(one, other)
  assert.equal(one, again)
})

test('sh() quotes a text as one word', () => {
  const odd = `it's "one" $(word) \\ of\nsh`
  assert.equal(spawnSync('sh', ['-c', `printf %s ${sh(odd)}`], { encoding: 'utf8' }).stdout, odd)
})
