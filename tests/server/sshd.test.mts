/** `sshd.harden` on a real sshd: what it closes, and that it never closes out the one who switches it on. */
import assert from 'node:assert/strict'
import process from 'node:process'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Host } from '../../scripts/lib/host/host.mts'
import type { Script } from '../../scripts/lib/host/shell.mts'
import { applySshd } from '../../scripts/lib/server/sshd.mts'
import { FILE, TRIAL_SECONDS } from '../../scripts/lib/server/sshd-files.mts'
import { until } from '../lib/until.mts'
import type { DisposableServer } from './disposable.mts'
import { changes, type Operator } from './operator.mts'
import { prepared } from './prepared.mts'

let server: DisposableServer
let operator: Operator

const harden = (on: boolean) => operator.users(() => {}, { sshd: { harden: on } })

/** The methods that sshd offers to somebody without a key. */
async function offered(user = 'root'): Promise<string> {
  const script = `ssh -o PreferredAuthentications=none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ${user}@127.0.0.1 true`
  const { stderr } = await server.exec(script)
  return /Permission denied \((.*)\)/.exec(stderr)?.[1] ?? stderr
}

async function expectUntouched(): Promise<void> {
  assert.equal(await operator.root('ls /etc/ssh/sshd_config.d | grep prusa || true'), '')
  assert.match(await offered(), /password/)
  assert.equal((await server.ssh('root', 'true')).exitCode, 0)
}

/** From now on each reload that finds our file gives sshd this setting, too, and one that does not takes it away. */
async function trap(setting: string): Promise<void> {
  await operator.root(`
mkdir -p /etc/systemd/system/ssh.service.d
cat >/etc/systemd/system/ssh.service.d/trap.conf <<'TRAP'
[Service]
ExecReload=
ExecReload=/bin/sh -c 'if [ -e ${FILE} ]; then echo ${setting}; fi >/etc/ssh/sshd_config.d/50-x.conf; kill -HUP $MAINPID'
TRAP
systemctl daemon-reload`)
}

/** The server as the machine that the scripts run on. */
function here(): Host {
  const attempt = (script: Script) => server.exec(`{ set -euo pipefail\n${script.text}\n} </dev/null\n`)
  const run = async (_: string, script: Script) => {
    const { exitCode, stdout, stderr } = await attempt(script)
    assert.equal(exitCode, 0, stderr)
    return stdout
  }
  return { local: true, name: 'this machine', run, attempt } as unknown as Host
}
const config = {
  sshd: { harden: true },
  packages: [],
  users: [{ name: 'prusa_admin', sudo: true, keys: [] }],
}

describe('sshd.harden', () => {
  before(async () => {
    operator = await prepared.take()
    server = operator.server
    harden(false)
    await operator.must('01-server')
  })
  after(() => prepared.leave())
  // Whatever a test left, the next one finds the server as the system has it.
  afterEach(async () => {
    await operator.root(`
  rm -rf /etc/ssh/sshd_config.d/* /etc/systemd/system/ssh.service.d
  [ -x /usr/sbin/sshd ] || mv /usr/sbin/sshd.away /usr/sbin/sshd
  echo '${server.publicKey}' >/root/.ssh/authorized_keys; usermod -p '*' root
  systemctl daemon-reload; systemctl restart ssh`) // which waits until sshd has read its files; a reload does not
  })

  test('01-server leaves sshd as the system has it by default', async () => {
    harden(false)
    assert.match(await operator.must('01-server'), /SSH logins: not hardened/)
    await expectUntouched()
  })

  test('harden: true lets nobody in without a key, a second run changes nothing, and false undoes it', async () => {
    harden(true)
    assert.match(
      await operator.must('01-server'),
      /SSH logins: accepts keys only .*a new login by key succeeded/,
    )
    for (const user of ['root', 'prusa_admin', 'prusa_non_admin'])
      assert.equal(await offered(user), 'publickey')
    const inForce = await operator.root('sshd -T')
    for (const line of [
      'passwordauthentication no',
      'kbdinteractiveauthentication no',
      'permitemptypasswords no',
    ])
      assert.match(inForce, new RegExp(`^${line}$`, 'm'))
    assert.match(inForce, /^permitrootlogin (without|prohibit)-password$/m)
    assert.equal((await server.ssh('root', 'true')).exitCode, 0)
    const files = `find /etc/ssh -printf '%p %T@\\n' | sort`
    const earlier = await operator.root(files)
    assert.deepEqual(changes(await operator.must('01-server')), [])
    assert.equal(await operator.root(files), earlier)
    harden(false)
    assert.match(await operator.must('01-server'), /SSH logins: removed/)
    await expectUntouched()
  })

  test('01-server names a file that sshd reads earlier, and leaves nothing', async () => {
    harden(true)
    await operator.root(`echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/00-a.conf`)
    const text = await operator.refused('01-server')
    assert.match(text, /passwordauthentication is yes for root: see \/etc\/ssh\/sshd_config.d\/00-a.conf/)
    await expectUntouched()
  })

  test('01-server finds a Match block that gives one user a password back', async () => {
    harden(true)
    await operator.root(
      `printf 'Match User prusa_non_admin\\n  PasswordAuthentication yes\\n' >/etc/ssh/sshd_config.d/00-a.conf`,
    )
    assert.match(await operator.refused('01-server'), /passwordauthentication is yes for prusa_non_admin/)
    await expectUntouched()
  })

  test('01-server says that sshd cannot read its configuration, and changes nothing', async () => {
    harden(true)
    await operator.root('echo Nonsense >/etc/ssh/sshd_config.d/50-x.conf')
    const text = await operator.refused('01-server')
    assert.match(text, /sshd cannot read its configuration: .*Nonsense/)
    await expectUntouched()
  })

  test('01-server refuses before a reload would load a hostile AllowUsers', async () => {
    harden(true)
    await operator.root('echo AllowUsers nobody >/etc/ssh/sshd_config.d/50-x.conf')
    const text = await operator.refused('01-server')
    assert.match(text, /sshd_config.d as they are now, a new login would fail: .*Permission denied/)
    await expectUntouched()
  })

  test('the new login fails: 01-server puts everything back at once, reloads sshd, and says so', async () => {
    harden(true)
    await trap('AllowUsers nobody')
    const text = await operator.refused('01-server')
    assert.match(text, /The hardened sshd refuses a new login: .*Permission denied/)
    assert.doesNotMatch(text, /not within/)
    assert.match(text, /State: the old settings are back, and sshd is reloaded/)
    await expectUntouched()
  })

  test('01-server is killed during the trial: the server puts everything back by itself', async () => {
    harden(true)
    await trap('Port 2222') // 01-server tries for some seconds: sshd may be about to start
    const running = operator.begin('01-server')
    await until(
      'it is on trial',
      async () => (await server.exec(`grep -q 'On trial' ${FILE}`)).exitCode === 0,
    )
    process.kill(-(running.pid as number), 'SIGKILL')
    await running
    await until('nobody gets in', async () => (await server.ssh('root', 'true')).exitCode !== 0)
    // The server waits by a sleep of its own. To end that sleep is to let the time pass.
    const waiting = `grep -laP '^sleep\\x00${TRIAL_SECONDS}\\x00' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3`
    await until('it waits', async () => (await server.exec(`kill $(${waiting})`)).exitCode === 0)
    await until('it is put back', async () => (await server.ssh('root', 'true')).exitCode === 0)
    await expectUntouched()
  })

  test('01-server refuses a login that is not by a key, whether it has a key or not', async () => {
    harden(true)
    await operator.root(`
  passwd -dq root
  printf 'PermitEmptyPasswords yes\\nPermitRootLogin yes\\n' >/etc/ssh/sshd_config.d/50-x.conf; systemctl reload ssh`)
    assert.match(await operator.refused('01-server'), /The login on .* is by none, not by a key/)
    await operator.root('rm /root/.ssh/authorized_keys')
    assert.match(await operator.refused('01-server'), /would lock out root: no authorized key/)
    assert.equal(await operator.root(`ls /etc/ssh/sshd_config.d`), '50-x.conf')
  })

  test('on the machine itself sshd checks the file, and 01-server says that it tried no login', async () => {
    assert.match(await applySshd(here(), config), /accepts keys only .*no login was tried/)
    assert.equal(await offered(), 'publickey')
    assert.match(await applySshd(here(), config), /nothing to do/)
  })

  test('on the machine itself 01-server refuses where no administrator has a key', async () => {
    await operator.root('rm /root/.ssh/authorized_keys; mv /home/prusa_admin/.ssh /home/prusa_admin/kept')
    await assert.rejects(applySshd(here(), config), /would lock out everybody \(root prusa_admin\)/)
    await operator.root('mv /home/prusa_admin/kept /home/prusa_admin/.ssh')
    await operator.root(`[ ! -e ${FILE} ]`)
  })

  test('01-server says that no SSH server is installed', async () => {
    await operator.root('mv /usr/sbin/sshd /usr/sbin/sshd.away')
    assert.match(await applySshd(here(), config), /no SSH server is installed/)
  })
})
