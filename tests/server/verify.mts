/** What verify says about the server's own part of the task sheet: each line is broken once and goes red, alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../../scripts/lib/verify/verdict.mts'
import { changes, type Operator } from './operator.mts'

/** The lines that fail, and whether the exit code says the same. */
async function failing(operator: Operator): Promise<Verdict[]> {
  const { exitCode, stdout, text } = await operator.run('verify', '--json')
  assert.ok(stdout.startsWith('['), text)
  const failed = (JSON.parse(stdout) as Verdict[]).filter(({ ok }) => !ok)
  assert.equal(exitCode, failed.length > 0 ? 1 : 0)
  return failed
}

const KEYS = '/home/prusa_admin/.ssh/authorized_keys'
const NO_KEYS = '/etc/ssh/sshd_config.d/no-keys.conf'

const BREAKS: { what: string; break: string; mend: string; red: string[]; evidence: RegExp }[] = [
  {
    what: 'a key is gone',
    break: `mv ${KEYS} /root/kept`,
    mend: `mv /root/kept ${KEYS}`,
    red: ['prusa_admin logs in by the given ssh key'],
    evidence: /key in authorized_keys: no/,
  },
  {
    what: 'sshd takes no keys',
    break: `echo 'PubkeyAuthentication no' >${NO_KEYS}`,
    mend: `rm ${NO_KEYS}`,
    red: ['prusa_admin logs in by the given ssh key', 'prusa_non_admin logs in by the given ssh key'],
    evidence: /sshd accepts this key: no/,
  },
  {
    what: 'sshd takes root alone',
    break: `echo 'AllowUsers root' >${NO_KEYS}`,
    mend: `rm ${NO_KEYS}`,
    red: ['prusa_admin logs in by the given ssh key', 'prusa_non_admin logs in by the given ssh key'],
    evidence:
      /accepts this key: no \(User .* not allowed because not listed in AllowUsers\); login .*: no \(User/,
  },
  {
    what: 'one has no shell to log in to, and others may write to the home of the other',
    break: 'usermod -s /usr/sbin/nologin prusa_admin; chmod 777 /home/prusa_non_admin',
    mend: 'usermod -s /bin/bash prusa_admin; chmod 750 /home/prusa_non_admin',
    red: ['prusa_admin logs in by the given ssh key', 'prusa_non_admin logs in by the given ssh key'],
    evidence:
      /: no \((This account is currently not available|Authentication refused: bad ownership or modes)/,
  },
  {
    what: 'a password is set',
    break: 'echo prusa_non_admin:secret | chpasswd',
    mend: `usermod --password '*' prusa_non_admin`,
    red: ['prusa_non_admin has no password'],
    evidence: /shadow field \$/,
  },
  {
    what: 'an account is locked, which keeps the key out as well',
    break: 'passwd -lq prusa_admin',
    mend: `usermod --password '*' prusa_admin`,
    red: ['prusa_admin has no password'],
    evidence: /shadow field !/,
  },
  {
    what: 'sudo is taken away',
    break: 'mv /etc/sudoers.d/90-prusa_admin /root/kept',
    mend: 'mv /root/kept /etc/sudoers.d/90-prusa_admin',
    red: ['prusa_admin has passwordless sudo'],
    evidence: /sudo -n true as prusa_admin: no/,
  },
  {
    what: 'sudo is given, by whatever way',
    break: `echo '%users ALL=(ALL) NOPASSWD: /usr/bin/true' >/etc/sudoers.d/zz; usermod -aG users prusa_non_admin`,
    mend: 'rm /etc/sudoers.d/zz; gpasswd -d prusa_non_admin users',
    red: ['prusa_non_admin has no sudo'],
    evidence: /sudo -n true as prusa_non_admin: yes/,
  },
  {
    what: 'a package is removed',
    break: 'dpkg --remove nano',
    mend: '',
    red: ['Packages curl, wget, vim, nano and jq'],
    evidence: /missing: nano/,
  },
]

/** Registers the tests. @param at the person at a server that is deployed and all as required */
export function verifyLines(at: () => Operator): void {
  for (const { what, break: damage, mend, red, evidence } of BREAKS)
    test(`verify, ${what}: exactly that goes red`, async () => {
      const operator = at()
      await operator.root(damage)
      const failed = await failing(operator)
      await operator.root(mend)
      assert.deepEqual(
        failed.map(({ required }) => required),
        red,
      )
      for (const line of failed) assert.match(line.evidence, evidence)
    })

  test('01-server puts back what was broken, and everything is green again', async () => {
    const operator = at()
    await operator.root(`
rm ${KEYS} /etc/sudoers.d/90-prusa_admin
usermod -aG sudo prusa_non_admin
echo prusa_admin:secret | chpasswd`)
    assert.ok((await failing(operator)).length >= 4)
    const text = await operator.must('01-server')
    assert.match(text, /installed nano/)
    assert.match(text, /removed prusa_non_admin from the group sudo/)
    assert.deepEqual(await failing(operator), [])
    assert.deepEqual(changes(await operator.must('01-server')), [])
  })
}
