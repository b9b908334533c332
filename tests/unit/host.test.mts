/** The server: its names, and scripts on this machine. tests/server tests what goes over ssh, with a real sshd. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { bash } from '../../scripts/lib/host/shell.mts'
import { told } from '../lib/refusal.mts'
import { until } from '../lib/until.mts'
import { LOADER } from '../lib/zx.mts'

describe('the names of a server:', () => {
  for (const [address, local, name, login, hostname] of [
    ['local', true, 'this machine', 'ssh', 'localhost'],
    ['admin@203.0.113.7', false, 'admin@203.0.113.7', 'ssh admin@203.0.113.7', '203.0.113.7'],
    ['ssh://a@[2001:db8::1]:22', false, 'ssh://a@[2001:db8::1]:22', 'ssh -p 22 a@2001:db8::1', '2001:db8::1'],
  ] as const)
    test(address, () => {
      const host = new Host(address)
      assert.deepEqual(
        [host.local, host.name, host.loginCommand, host.route.hostname],
        [local, name, login, hostname],
      )
    })
})

describe('a script', () => {
  const host = new Host('local')
  const failure = (work: Promise<unknown>) => work.then(() => assert.fail('did not fail'), told)

  test('runs as root and returns what it printed', async () => {
    assert.equal(await host.run('Asking', bash`id -u; echo noise >&2`), '0\n')
  })

  test('does not run .bashrc, though bash takes its standard input for a network connection', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
    writeFileSync(path.join(home, '.bashrc'), 'echo from .bashrc; exit 3\n')
    const program = `import { Host } from './scripts/lib/host/host.mts'; import { bash } from './scripts/lib/host/shell.mts'
console.log(await new Host('local').run('Asking', bash\`echo from the script\`))`
    // SHLVL is not set, as when cron or a build server starts it: only then bash would read .bashrc.
    const env = { PATH: process.env.PATH, HOME: home }
    const argv = [LOADER, '--input-type=module', '--eval', program]
    const { stdout, stderr } = spawnSync(process.execPath, argv, { cwd: ROOT, env, encoding: 'utf8' })
    rmSync(home, { recursive: true })
    assert.equal(stdout, 'from the script\n\n', stderr)
  })

  test('is not read by its own commands', async () => {
    assert.equal(
      await host.run(
        'Reading',
        bash`cat
read -r line || true
echo "rest$line"`,
      ),
      'rest\n',
    )
  })

  test('ends at the first command that fails, also in a pipe, and at a variable that is not set', async () => {
    for (const script of [
      bash`false; echo on`,
      bash`false | true; echo on`,
      bash`echo "$nowhere"; echo on`,
    ]) {
      const { exitCode, stdout } = await host.attempt(script)
      assert.deepEqual([exitCode, stdout], [1, ''])
    }
  })

  test('leaves nothing to the next script in the same shell: no variable, folder, option, trap or stream', async () => {
    const own = new Host('local')
    const first = await own.attempt(
      bash`x=1; y() { :; }; cd /usr; umask 0; set +eu; trap 'echo trapped' EXIT; exec 5</dev/null >/dev/null; echo unheard; exit 3`,
    )
    assert.equal(first.exitCode, 3)
    const left = bash`echo "\${x-none} $(umask) $- $(trap) $(type -t y || true)"; [ ! -e /proc/$BASHPID/fd/5 ]; pwd; echo $$`
    const second = await own.run('Looking', left)
    assert.match(second, /^none 0022 \w*e\w*u\w* *\n/)
    assert.equal(second, await own.run('Looking again', left))
    assert.ok(!second.includes('/usr'), second)
  })

  test('has its own shell while other scripts run', async () => {
    const pipe = path.join(mkdtempSync(path.join(tmpdir(), 'prusa-test-')), 'pipe')
    await host.run('Making a pipe', bash`mkfifo ${pipe}`)
    const [read] = await Promise.all([
      host.run('Reading', bash`cat ${pipe}`),
      host.run('Writing', bash`echo written >${pipe}`),
    ])
    rmSync(path.dirname(pipe), { recursive: true })
    assert.equal(read, 'written\n')
  })

  test('runs in a new shell when the shell of the script before was killed', async () => {
    const own = new Host('local')
    const pid = async () => Number(await own.run('Asking', bash`echo $$`))
    const before = await pid()
    process.kill(before, 'SIGKILL')
    await until('it is gone', () => !existsSync(`/proc/${before}`))
    assert.notEqual(await pid(), before)
  })

  test('that is tied ends with its input, and its lines are heard at once; the next script runs', async () => {
    const own = new Host('local')
    const over = new AbortController()
    const hear = (line: string) => line === 'begun' && over.abort()
    const options = { tied: true, hear, signal: over.signal }
    const { stdout } = await own.attempt(bash`echo begun; cat; echo ended`, options)
    assert.equal(stdout, 'begun\nended\n')
    assert.equal(await own.run('Going on', bash`echo on`), 'on\n')
  })

  test('that fails is reported with its purpose, its exit code and its last lines', async () => {
    assert.match(
      await failure(host.run('Building', bash`echo fine; echo 'no space left' >&2; exit 7`)),
      /✗ Building: failed with exit code 7\n {4}fine\n {4}no space left\n {2}Next: /,
    )
  })

  test('is killed at its deadline, also when it ignores signals', async () => {
    const text = await failure(
      host.run('Waiting', bash`trap 'exit 0' TERM; echo begun; while :; do sleep 0.1; done`, { deadline: 1 }),
    )
    assert.match(text, /✗ Waiting: did not end before its deadline\n {4}begun\n/)
    assert.equal(await host.run('Going on', bash`echo on`), 'on\n')
  })
})

test('a copied folder has the same content, and everybody can read it, whatever its modes are here', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  const [from, to] = [path.join(home, 'from'), path.join(home, 'to')]
  mkdirSync(path.join(from, 'sub'), { recursive: true, mode: 0o700 })
  writeFileSync(path.join(from, 'sub/file'), 'text', { mode: 0o600 })
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  writeFileSync(path.join(from, 'run'), bytes, { mode: 0o700 })
  chmodSync(home, 0o755)
  await new Host('local').copyFolder(from, ['sub', 'sub/file', 'run'], to)
  const modes = ['.', 'sub', 'sub/file', 'run'].map((name) => statSync(path.join(to, name)).mode & 0o777)
  assert.equal(readFileSync(path.join(to, 'sub/file'), 'utf8'), 'text')
  assert.deepEqual(readFileSync(path.join(to, 'run')), bytes)
  rmSync(home, { recursive: true })
  assert.deepEqual(modes, [0o755, 0o755, 0o644, 0o755])
})

test('a folder that cannot be read is reported with its path and the reason', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  const text = await new Host('local')
    .copyFolder('/nowhere', ['x'], path.join(home, 'to'))
    .then(() => '', told)
  rmSync(home, { recursive: true })
  assert.match(text, /Copying \/nowhere to this machine: failed .*\n.*No such file/)
})

test('a folder that cannot be written on the server is reported with the reason', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  writeFileSync(path.join(home, 'large'), Buffer.alloc(1 << 20))
  const text = await new Host('local').copyFolder(home, ['large'], '/proc/none').then(() => '', told)
  rmSync(home, { recursive: true })
  assert.match(text, /failed with exit code 1\n.*mkdir: .*\/proc\/none/)
})
