/** What a user of the server must not have, tried by a real login on a server that is deployed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from './identity.mts'
import type { Operator } from './operator.mts'

/** What anybody could try. In the shell of the user; $db, $redis, $pids and $port tell where things are. */
const TRIES = [
  // the engine, which is as good as root
  'docker ps',
  'test -r /var/run/docker.sock',
  'test -w /var/run/docker.sock',
  'curl -sf --unix-socket /var/run/docker.sock http://engine/info',
  'ls /var/lib/docker',
  // others' files
  'ls /root',
  'cat /root/.ssh/authorized_keys',
  'ls $other',
  'cat $other/.ssh/authorized_keys',
  'cat /etc/shadow',
  'cat /etc/sudoers.d/90-prusa_admin',
  // what the deployment keeps
  'ls /opt/prusa',
  'ls /opt/prusa/secrets',
  'cat /opt/prusa/secrets/db_owner_password',
  'cat /opt/prusa/secrets/app.env',
  'cat /opt/prusa/nginx/htpasswd',
  'cat /opt/prusa/nginx/tls/key.pem',
  'cat /opt/prusa/history.jsonl',
  'for pid in $pids; do if tr "\\0" "\\n" <"/proc/$pid/environ" | grep .; then exit 0; fi; done; false',
  'for pid in $pids; do if ls "/proc/$pid/root/"; then exit 0; fi; done; false',
  // writing what root runs or nginx reads
  'touch /opt/prusa/nginx/live/x.conf',
  'touch /opt/prusa/nginx/htpasswd',
  'echo >>/opt/prusa/compose/stack.yaml',
  'touch /opt/prusa/x',
  'touch /etc/sudoers.d/x',
  'touch /etc/ssh/sshd_config.d/x.conf',
  'touch /etc/docker/daemon.json',
  'touch /etc/cron.d/x',
  'touch /etc/systemd/system/x.service',
  'touch /usr/local/bin/x',
  'echo x >/root/x',
  // stopping things
  'for pid in $pids; do if kill -0 "$pid"; then exit 0; fi; done; false',
  'systemctl --no-ask-password stop docker',
  'systemctl --no-ask-password restart ssh',
  'echo | su -c true',
  'flock -n /opt/prusa/lock true',
  // database and Redis, past the load balancer and past the passwords
  `timeout 3 bash -c 'exec 3<>/dev/tcp/$redis/6379; echo PING >&3; read -rN1 answer <&3; [[ $answer == + ]]'`,
  `timeout 3 bash -c 'exec 3<>/dev/tcp/$db/5432; printf "\\0\\0\\0\\010\\004\\322\\026\\057" >&3; read -rN1 answer <&3; [[ $answer == [NS] ]]'`,
]

const WHERE = `
ip() { docker inspect -f '{{(index .NetworkSettings.Networks "prusa_backend").IPAddress}}' "prusa-$1-1"; }
pids() { docker inspect -f '{{.State.Pid}}' $(docker ps -q) | paste -sd' '; }
printf 'export redis=%s db=%s; pids="%s"\\n' "$(ip redis)" "$(ip db)" "$(pids)"`

/** Registers the tests. @param at the person at a server that is deployed */
export function privileges(at: () => Operator): void {
  for (const [user, other, sudo] of [
    ['prusa_non_admin', 'prusa_admin', false],
    ['prusa_admin', 'prusa_non_admin', true],
  ] as const)
    test(`the server refuses ${user} what is not theirs${sudo ? ' without sudo' : ''}`, async (context) => {
      const operator = at()
      const key = await operator.server.identity(`${user}-tries`)
      const where = await operator.root(WHERE)
      assert.match(where, /^export redis=[\d.]+ db=[\d.]+; pids="\d+( \d+)+"$/)
      await operator.root(`echo '${key.publicKey}' >>/home/${user}/.ssh/authorized_keys`)
      const succeeded = await tried(operator, user, key, `${where}; other=/home/${other}`)
      assert.deepEqual(succeeded, [])
      const asRoot = await operator.server.ssh(user, 'sudo -n true', { sshConfig: key.sshConfig })
      assert.equal(asRoot.exitCode === 0, sudo)
      context.diagnostic(`${TRIES.length} attempts refused`)
      // The same by root: each would succeed, apart from the two that nobody on the server can.
      if (sudo) {
        const harmless = TRIES.filter((attempt) => /^(ls|cat|test|docker|curl|for pid)/.test(attempt))
        const can = await tried(operator, 'root', operator.server, `${where}; other=/home/${other}`, harmless)
        assert.deepEqual(can, harmless)
      }
    })
}

/**
 * Those of the attempts that succeed, each in a shell of its own, and all at the same time: some wait in vain. A login of
 * the server may print words of its own, and point the docker command elsewhere.
 */
async function tried(operator: Operator, user: string, key: Identity, where: string, attempts = TRIES) {
  const script = attempts
    .map((attempt, number) => `(${attempt}) >/dev/null 2>&1 </dev/null && echo succeeded ${number} &`)
    .join('\n')
  const told = await operator.server.ssh(user, `unset DOCKER_HOST\n${where}\n${script}\nwait\necho done`, {
    sshConfig: key.sshConfig,
  })
  const lines = told.stdout.trim().split('\n')
  assert.equal(lines.pop(), 'done', told.stderr)
  const numbers = lines.flatMap((line) => /^succeeded (\d+)$/.exec(line)?.[1] ?? [])
  return attempts.filter((_, number) => numbers.includes(String(number)))
}
