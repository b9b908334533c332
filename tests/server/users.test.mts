/** The users on a real server: real logins by real keys, on the first run, on later ones, and whatever was there before. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { DisposableServer } from './disposable.mts'
import type { Identity } from './identity.mts'
import { changes, type Operator } from './operator.mts'
import { prepared } from './prepared.mts'

let server: DisposableServer
let operator: Operator
let admin: Identity
let plain: Identity
let stranger: Identity

before(async () => {
  operator = await prepared.take()
  server = operator.server
  admin = await server.identity('admin')
  plain = await server.identity('plain')
  stranger = await server.identity('stranger')
  operator.users(([first, second]) => {
    first?.keys.push(admin.publicKey)
    second?.keys.push(plain.publicKey)
  })
  await operator.must('01-server')
})
after(() => prepared.leave())

/** What a command prints to the user who logs in with the key; the failure's text when it fails. */
async function as(user: string, { sshConfig }: Identity, command = 'id -un'): Promise<string> {
  const { exitCode, stdout, stderr } = await server.ssh(user, command, { sshConfig })
  return exitCode === 0 ? stdout.trim() : `failed: ${stderr.trim().split('\n').at(-1)}`
}

async function expectLogins(): Promise<void> {
  assert.equal(await as('prusa_admin', admin, 'sudo -n id -un'), 'root')
  assert.equal(await as('prusa_non_admin', plain), 'prusa_non_admin')
  assert.match(await as('prusa_non_admin', plain, 'sudo -n true'), /^failed: sudo: a password is required/)
}

test('01-server says in one sentence that a key opens nothing', async () => {
  operator.configure({ ssh_config: stranger.sshConfig })
  const text = await operator.refused('01-server', '--host', server.host('prusa_admin'))
  operator.configure()
  assert.match(text, /refused the login: no key of yours opens it/)
  assert.match(text, /nothing was changed/)
})

// The last one is Debian's own setting.
for (const pam of ['no', 'yes'])
  test(`both users log in by their keys and only one has sudo, with UsePAM ${pam}`, async () => {
    await operator.root(
      `sed -i '/^UsePAM/d' /etc/ssh/sshd_config; echo 'UsePAM ${pam}' >>/etc/ssh/sshd_config; systemctl restart ssh`,
    )
    assert.match(await operator.root('sshd -T'), new RegExp(`^usepam ${pam}$`, 'm'))
    await expectLogins()
    for (const user of ['prusa_admin', 'prusa_non_admin'])
      assert.match(await as(user, stranger), /^failed: .*Permission denied/)
  })

test('no password opens the users, not even the empty one', async () => {
  const tried = ['prusa_admin', 'prusa_non_admin'].map(async (user) => {
    assert.equal(await operator.root(`getent shadow ${user} | cut -d: -f2`), '*')
    assert.match(await as('prusa_non_admin', plain, `echo | su ${user} -c true`), /Authentication failure/)
  })
  await Promise.all(tried)
})

test('a second run changes no file under /etc, /root or /home, and says so', async () => {
  const files = async () =>
    (await operator.root(`find /etc /root /home ! -name .cache -printf '%p %m %u %T@ %l\\n' | sort`)).split(
      '\n',
    )
  const earlier = await files()
  const text = await operator.must('01-server')
  assert.deepEqual(changes(text), [])
  assert.match(text, /nothing to do/)
  const later = await files()
  assert.ok(earlier.length > 100)
  assert.deepEqual(
    later.filter((line) => !earlier.includes(line)),
    [],
  )
})

test('01-server keeps a key that someone added by hand, with or without a newline at its end', async () => {
  const other = await server.identity('other')
  const file = '/home/prusa_non_admin/.ssh/authorized_keys'
  await operator.root(`printf '# ours\\n%s' '${other.publicKey}' >${file}`)
  await operator.must('01-server')
  assert.equal(await as('prusa_non_admin', other), 'prusa_non_admin')
  await expectLogins()
  assert.equal(await operator.root(`stat -c '%a %U' ${file}`), '600 prusa_non_admin')
})

const OTHERS = ['third', 'had_password', 'was_locked']

test('01-server makes one more user of the configuration, and opens existing ones for their keys alone', async () => {
  const more = await server.identity('more')
  await operator.root(`
useradd --create-home had_password; echo had_password:secret | chpasswd
useradd --create-home --shell /usr/sbin/nologin was_locked; passwd -lq was_locked
usermod -aG sudo prusa_non_admin`)
  assert.match(await as('prusa_non_admin', plain, 'id -nG'), /sudo/)
  operator.users((users) => {
    users[0]?.keys.push(admin.publicKey)
    users[1]?.keys.push(plain.publicKey)
    for (const name of OTHERS) users.push({ name, sudo: name === 'third', keys: [more.publicKey] })
  })
  await operator.must('01-server')
  for (const name of OTHERS) {
    assert.equal(await as(name, more), name)
    assert.equal(await operator.root(`getent shadow ${name} | cut -d: -f2`), '*')
  }
  assert.equal(await as('third', more, 'sudo -n id -un'), 'root')
  assert.doesNotMatch(await as('prusa_non_admin', plain, 'id -nG'), /sudo/)
})

/** Adds users to the two, with one key for all of them. */
function withUsers(names: string[], key: Identity): void {
  operator.users((users) => {
    users[0]?.keys.push(admin.publicKey)
    users[1]?.keys.push(plain.publicKey)
    for (const name of names) users.push({ name, sudo: false, keys: [key.publicKey] })
  })
}

/** Users of whom something is there, and how it came. */
const PARTS = {
  roots_home:
    'useradd roots_home; mkdir -p /home/roots_home/.ssh; echo "# kept" >/home/roots_home/.ssh/authorized_keys',
  roots_keys:
    'useradd -m roots_keys; (umask 077; mkdir /home/roots_keys/.ssh; echo "# kept" >/home/roots_keys/.ssh/authorized_keys)',
  open_home:
    'useradd -m open_home; chmod 777 /home/open_home; install -d -o open_home -m 777 /home/open_home/.ssh',
  no_home: 'useradd no_home; rm -rf /home/no_home',
  nowhere: 'useradd --home /nonexistent nowhere',
  no_shell: 'useradd -m --shell /bin/zsh no_shell',
  expired: 'useradd -m expired; chage -E 2001-01-01 expired',
  to_change: 'useradd -m to_change; chage -d 0 -M 90 to_change',
  locked: 'useradd -m locked; usermod --lock --expiredate 1 locked',
  no_group: 'useradd -m no_group; sed -i /^no_group:/d /etc/group /etc/gshadow',
  no_shadow: 'useradd -m no_shadow; sed -i /^no_shadow:/d /etc/shadow',
  group_only: 'groupadd group_only',
}

test('01-server completes users that exist in part, and they can log in', async () => {
  const more = await server.identity('parts')
  await operator.root(Object.values(PARTS).join('\n'))
  const names = Object.keys(PARTS)
  withUsers(names, more)
  await operator.must('01-server')
  for (const name of names)
    assert.equal(await as(name, more, 'touch kept && id -un && id -gn'), `${name}\n${name}`)
  for (const name of ['roots_home', 'roots_keys'])
    assert.match(await operator.root(`cat /home/${name}/.ssh/authorized_keys`), /^# kept\n/)
})

test('01-server tells what only a person can decide, for all users at once, and the commands that it prints help', async () => {
  const more = await server.identity('decided')
  const names = ['others_home', 'file_home', 'key_folder', 'moved_folder']
  await operator.root(`
useradd others_home; install -d -o 4242 /home/others_home
useradd file_home; touch /home/file_home
useradd -m key_folder; install -d -o key_folder /home/key_folder/.ssh /home/key_folder/.ssh/authorized_keys
useradd -m moved_folder; install -d -m 700 /home/moved_folder/.ssh; touch /home/moved_folder/.ssh/other`)
  withUsers(names, more)
  const text = await operator.refused('01-server')
  const remedies = [
    [
      /\/home\/others_home, the home of others_home, belongs to UNKNOWN \(number 4242\)/,
      'mv /home/others_home /home/others_home.old',
    ],
    [/\/home\/file_home, the home of file_home, is not a folder/, 'mv /home/file_home /home/file_home.old'],
    [
      /key_folder cannot write a key to \S+: Is a directory/,
      'mv /home/key_folder/.ssh/authorized_keys /home/key_folder/.ssh/authorized_keys.old',
    ],
    [/\/home\/moved_folder\/.ssh is root's/, 'chown -R moved_folder: /home/moved_folder/.ssh'],
  ] as const
  for (const [told, remedy] of remedies) {
    assert.match(text, told)
    await operator.root(remedy)
  }
  // From here on all users of the tests above, too: the second run finds nothing to do for any of them.
  withUsers([...OTHERS, ...Object.keys(PARTS), ...names], more)
  await operator.must('01-server')
  for (const name of names) assert.equal(await as(name, more), name)
  assert.deepEqual(changes(await operator.must('01-server')), [])
  withUsers([], more)
})

test('a user who makes authorized_keys a link cannot make root write through it', async () => {
  const home = '/home/prusa_non_admin'
  for (const [trap, restore] of [
    [`mv .ssh/authorized_keys kept; ln -s /root/trap .ssh/authorized_keys`, `mv kept .ssh/authorized_keys`],
    [`mv .ssh kept; ln -s /root/.ssh .ssh`, `rm .ssh; mv kept .ssh`],
  ] as const) {
    const authorized = await operator.root('sha256sum /root/.ssh/authorized_keys')
    assert.doesNotMatch(await as('prusa_non_admin', plain, trap), /^failed/)
    assert.match(await operator.refused('01-server'), /Permission denied/)
    assert.equal(await operator.root('ls /root; sha256sum /root/.ssh/authorized_keys'), authorized)
    await operator.root(`cd ${home}; ${restore}`)
  }
  await expectLogins()
})

test('01-server repairs a sudoers file that was broken by hand', async () => {
  await operator.root(`echo 'prusa_admin ALL=(ALL' >/etc/sudoers.d/90-prusa_admin`)
  assert.match(await as('prusa_admin', admin, 'sudo -n true'), /^failed/)
  await operator.must('01-server')
  await operator.root('visudo -cq')
  assert.equal(await operator.root('stat -c %a:%u:%g /etc/sudoers.d/90-prusa_admin'), '440:0:0')
  await expectLogins()
})

test('a login with passwordless sudo works like root, and one without gets a clear sentence', async () => {
  await operator.root('DEBIAN_FRONTEND=noninteractive apt-get remove -qqy jq nano')
  operator.configure({ ssh_config: admin.sshConfig })
  const text = await operator.must('01-server', '--host', server.host('prusa_admin'))
  assert.match(text, /Packages: installed nano and jq/)
  await operator.root('command -v jq nano')

  operator.configure({ ssh_config: plain.sshConfig })
  const refusal = await operator.refused('01-server', '--host', server.host('prusa_non_admin'))
  assert.match(refusal, /neither root nor has passwordless sudo/)
  assert.match(refusal, /nothing was changed/)
  operator.configure()
})

test('01-server works for a root whose login shell is dash', async () => {
  await operator.root('usermod --shell /bin/dash root')
  assert.deepEqual(changes(await operator.must('01-server')), [])
})

test('01-server says that a startup file ends the login', async () => {
  await operator.root('usermod --shell /bin/bash root; echo "echo Closed today; exit 0" >/root/.bashrc')
  const text = await operator.refused('01-server')
  await operator.root('rm /root/.bashrc')
  assert.match(text, /lets us in, but the login runs no command: Closed today\n.*nothing was changed/)
})

test('verify on a server without a deployment says what is there and what is missing', async () => {
  const { exitCode, stdout } = await operator.run('verify', '--json')
  const verdicts = JSON.parse(stdout) as { required: string; ok: boolean; evidence: string }[]
  const of = (required: RegExp) => verdicts.filter((one) => required.test(one.required))
  assert.equal(exitCode, 1)
  assert.deepEqual(
    of(/logs in by the given ssh key/).map(({ ok }) => ok),
    [true, true],
  )
  assert.match(of(/HTTPS$/)[0]?.evidence ?? '', /no load balancer runs/)
})
