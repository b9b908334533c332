/** The flags of the scripts, as a person types them. No test connects to a server. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { ZX } from '../lib/zx.mts'

// An address that no host has (RFC 5737): a script that connected to it would hang.
const environment = { ...process.env, DEPLOY_HOST: 'nobody@192.0.2.1', NO_COLOR: '1' }

interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

function run(script: string, ...flags: string[]): Promise<Ran> {
  const [node = '', ...zx] = ZX
  const child = spawn(node, [...zx, `scripts/${script}`, ...flags], {
    cwd: ROOT,
    env: environment,
    timeout: 60_000,
  })
  const ran: Ran = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (data) => {
    ran.stdout += data
  })
  child.stderr.on('data', (data) => {
    ran.stderr += data
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ran, code })))
}

describe('--help connects to nothing', { concurrency: 2 }, () => {
  for (const script of readdirSync(path.join(ROOT, 'scripts')).filter((name) => name.endsWith('.mts')))
    test(script, async () => {
      const { code, stdout, stderr } = await run(script, '--help', '--config', '/nowhere')
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /^[A-Z][^\n]+[.:]\n/)
      assert.match(stdout, new RegExp(`(scripts/|npm run )${script.replace('.mts', '')}`))
      assert.match(stdout, / {2}--host USER@NAME /)
      const [, examples = ''] = stdout.split('\nExamples:\n')
      assert.equal(
        examples.match(new RegExp(`^ {2}.*\\b${script.replace('.mts', '')}\\b`, 'gm'))?.length,
        2,
        stdout,
      )
      assert.match(stdout, /\nExit codes: 0 .*, 1 .*, 2 .*, 130 /)
    })
})

describe('a wrong call is refused with exit code 2', { concurrency: 2 }, () => {
  const SEE = '  Next:  See --help.\n'
  const cases: [flags: string[], message: string][] = [
    [['--relase', 'x'], `✗ --relase is not a flag of this script; the nearest is --release\n${SEE}`],
    [['--yes'], `✗ --yes is not a flag of this script; the nearest is --host\n${SEE}`],
    [['--force=yes'], `✗ --force takes no value\n${SEE}`],
    [['--host', '--force'], `✗ --host needs one value\n${SEE}`],
    [['--host='], `✗ --host needs one value\n${SEE}`],
    [['--host'], `✗ --host needs one value\n${SEE}`],
    [['--host', 'a', '--host', 'b'], `✗ --host needs one value\n${SEE}`],
    [
      ['--host=-oProxyCommand=x'],
      '✗ “-oProxyCommand=x” is not a host\n  Next:  Give it as --host USER@NAME.\n',
    ],
    [['admin@203.0.113.7'], `✗ “admin@203.0.113.7” was not expected\n${SEE}`],
    [['2'], `✗ “2” was not expected\n${SEE}`],
  ]
  for (const [flags, message] of cases)
    test(flags.join(' '), async () => {
      const { code, stdout, stderr } = await run('redeploy.mts', ...flags)
      assert.deepEqual({ code, stdout, stderr }, { code: 2, stdout: '', stderr: `\n${message}` })
    })
})

describe('a short flag', { concurrency: 2 }, () => {
  for (const [flags, message] of [
    [['-c'], '-c needs one value'],
    [['-c', 'SELECT 1', '-c', 'SELECT 2'], '-c needs one value'],
  ] as const)
    test(flags.join(' '), async () => {
      const { code, stderr } = await run('psql.mts', ...flags)
      assert.deepEqual([code, stderr.split('\n')[1]], [2, `✗ ${message}`])
    })
})

describe('the flags of a command are not those of the script', { concurrency: 2 }, () => {
  for (const [words, code, message] of [
    [['--config', '/nowhere', 'sh', '--no-flag', '--host'], 1, '/nowhere/stack.yaml is missing'],
    [['--config', '/nowhere', '--', '--no-flag'], 1, '/nowhere/stack.yaml is missing'],
    [['--no-flag', 'sh'], 2, '--no-flag is not a flag of this script; the nearest is --config'],
  ] as const)
    test(words.join(' '), async () => {
      const ran = await run('run.mts', ...words)
      assert.deepEqual([ran.code, ran.stderr.split('\n')[1]], [code, `✗ ${message}`])
    })
})

describe('a wrong call names the nearest word or the right call', { concurrency: 2 }, () => {
  const cases: [script: string, flags: string[], what: string][] = [
    ['logs', ['ap'], 'There is no service “ap”; the nearest is “app”'],
    ['logs', ['--since', 'noon'], '--since takes a span of time such as 90s, 10m, 2h or 1d, not “noon”'],
    ['shell', ['reddis'], 'There is no service “reddis”; the nearest is “redis”'],
    ['psql', ['--as', 'ownr'], 'There is no role “ownr”; the nearest is “owner”'],
    ['psql', ['-d', 'x'], '-d is not a flag of this script; the nearest is -c'],
    ['run', [], 'Which command?'],
    ['run', ['--hots', 'x', 'true'], '--hots is not a flag of this script; the nearest is --host'],
    ['restart', ['lbb'], 'There is no service “lbb”; the nearest is “lb”'],
    ['maintenance', ['onn'], '“onn” was not expected; the nearest is “on”'],
    [
      'maintenance',
      ['on', '--allow', 'home'],
      '--allow takes addresses such as 203.0.113.7, separated by commas, not “home”',
    ],
    ['maintenance', ['off', '--allow', '203.0.113.7'], '--allow needs the word on'],
    ['backup', ['--to', '/proc/version'], '--to takes a folder of this machine: '],
    ['restore', [], 'Which backup?'],
    ['restore', ['a.age', '--undo'], '--undo takes no file'],
    ['restore', ['a.age', '--key', '/nowhere'], '--key takes a file of this machine: '],
    ['destroy', [], 'Without a terminal, destroy cannot ask'],
    ['status', ['--no-backup'], '--no-backup is not a flag of this script'],
    ['dashboard', ['--port', '80'], '--port is not a flag of this script; the nearest is --host'],
  ]
  for (const [script, flags, what] of cases)
    test(`${script} ${flags.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(`${script}.mts`, ...flags)
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.ok(stderr.startsWith(`\n✗ ${what}`), stderr)
    })
})

test('a missing configuration is no wrong call: the exit code is 1', async () => {
  const { code, stdout, stderr } = await run('redeploy.mts', '--config', '/nowhere')
  const message = '\n✗ /nowhere/stack.yaml is missing\n  Next:  Restore it: git checkout config\n'
  assert.deepEqual({ code, stdout, stderr }, { code: 1, stdout: '', stderr: message })
})

describe('secrets refuses other words than rotate and a name', { concurrency: 2 }, () => {
  const USAGE =
    'npm run secrets -- rotate NAME, with db_owner_password, db_developer_password and admin_password'
  const cases: [words: string[], what: string][] = [
    [['rotat', 'x'], '“rotat” was not expected; the nearest is “rotate”'],
    [['rotate'], 'Which secret?'],
    [['rotate', 'db_owner'], 'There is no secret “db_owner”; the nearest is “db_owner_password”'],
    [['rotate', 'a', 'b'], '“b” was not expected'],
  ]
  for (const [words, what] of cases)
    test(words.join(' '), async () => {
      const { code, stdout, stderr } = await run('secrets.mts', ...words)
      assert.deepEqual([code, stdout], [2, ''])
      assert.ok(stderr.startsWith(`\n✗ ${what}\n`), stderr)
      assert.ok(words.length > 2 || stderr.includes(USAGE))
    })
})
