/** What verify says about the server's own part of the task sheet: each line is broken once and turns red. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../../scripts/lib/verify/verdict.mts'
import type { Operator } from './operator.mts'

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

interface Break {
  what: string
  /** Shell, as root. */
  damage: string
  mend: string
  /** The lines that turn red, and what each of them says. */
  red: string[]
  evidence: RegExp
}

/** What is broken at the same time stands together: no two of these have a line in common. nano is missing until the last test. */
const BREAKS: Break[][] = [
  [
    {
      what: 'sshd takes no keys',
      damage: `echo 'PubkeyAuthentication no' >${NO_KEYS}`,
      mend: `rm ${NO_KEYS}`,
      red: ['prusa_admin logs in by the given ssh key', 'prusa_non_admin logs in by the given ssh key'],
      evidence: /sshd accepts this key: no/,
    },
    {
      what: 'sudo is taken away',
      damage: 'mv /etc/sudoers.d/90-prusa_admin /root/kept',
      mend: 'mv /root/kept /etc/sudoers.d/90-prusa_admin',
      red: ['prusa_admin has passwordless sudo'],
      evidence: /sudo -n true as prusa_admin: no/,
    },
  ],
  [
    {
      what: 'sshd takes root alone',
      damage: `echo 'AllowUsers root' >${NO_KEYS}`,
      mend: `rm ${NO_KEYS}`,
      red: ['prusa_admin logs in by the given ssh key', 'prusa_non_admin logs in by the given ssh key'],
      evidence:
        /accepts this key: no \(User .* not allowed because not listed in AllowUsers\); login .*: no \(User/,
    },
    {
      what: 'sudo is given, by whatever way',
      damage: `echo '%users ALL=(ALL) NOPASSWD: /usr/bin/true' >/etc/sudoers.d/zz; usermod -aG users prusa_non_admin`,
      mend: 'rm /etc/sudoers.d/zz; gpasswd -d prusa_non_admin users',
      red: ['prusa_non_admin has no sudo'],
      evidence: /sudo -n true as prusa_non_admin: yes/,
    },
    {
      what: 'an account is locked, which keeps the key out as well',
      damage: 'passwd -lq prusa_admin',
      mend: `usermod --password '*' prusa_admin`,
      red: ['prusa_admin has no password'],
      evidence: /shadow field !/,
    },
  ],
  [
    {
      what: 'one has no shell to log in to, and others may write to the home of the other',
      damage: 'usermod -s /usr/sbin/nologin prusa_admin; chmod 777 /home/prusa_non_admin',
      mend: 'usermod -s /bin/bash prusa_admin; chmod 750 /home/prusa_non_admin',
      red: ['prusa_admin logs in by the given ssh key', 'prusa_non_admin logs in by the given ssh key'],
      evidence:
        /: no \((This account is currently not available|Authentication refused: bad ownership or modes)/,
    },
  ],
  [
    {
      what: 'a key is gone',
      damage: `mv ${KEYS} /root/kept`,
      mend: `mv /root/kept ${KEYS}`,
      red: ['prusa_admin logs in by the given ssh key'],
      evidence: /key in authorized_keys: no/,
    },
    {
      what: 'a password is set',
      damage: 'echo prusa_non_admin:secret | chpasswd',
      mend: `usermod --password '*' prusa_non_admin`,
      red: ['prusa_non_admin has no password'],
      evidence: /shadow field \$/,
    },
    {
      what: 'a package is removed',
      damage: 'dpkg --remove nano',
      mend: '',
      red: ['Packages curl, wget, vim, nano and jq'],
      evidence: /missing: nano/,
    },
  ],
]

/** Registers the tests. @param at the person at a server that is deployed and all as required */
export function verifyLines(at: () => Operator): void {
  for (const broken of BREAKS)
    test(`verify turns the right lines red and no other: ${broken.map(({ what }) => what).join('; ')}`, async () => {
      const operator = at()
      for (const { damage } of broken) await operator.root(damage)
      const failed = await failing(operator)
      for (const { mend } of broken) await operator.root(mend)
      assert.deepEqual(failed.map(({ required }) => required).sort(), broken.flatMap(({ red }) => red).sort())
      for (const { red, evidence } of broken)
        for (const line of failed.filter(({ required }) => red.includes(required)))
          assert.match(line.evidence, evidence)
    })

  test('01-server repairs what was broken, and verify finds everything as required', async () => {
    const operator = at()
    await operator.root(`
rm ${KEYS} /etc/sudoers.d/90-prusa_admin
usermod -aG sudo prusa_non_admin
echo prusa_admin:secret | chpasswd`)
    const text = await operator.must('01-server')
    assert.match(text, /installed nano/)
    assert.match(text, /removed prusa_non_admin from the group sudo/)
    assert.deepEqual(await failing(operator), [])
  })
}
