/** Faults of the server itself, while a client asks 100 times a second and gives up after 5 s. */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Client } from '../lib/asking.mts'
import { CLIENT, type Seen, seenIn, told } from '../lib/faults.mts'
import { testLong } from '../lib/long.mts'
import { until } from '../lib/until.mts'
import type { Operator } from './operator.mts'

/** Does the work while a client asks; prints and returns what it saw. */
export async function watched(
  t: TestContext,
  operator: Operator,
  what: string,
  work: () => Promise<unknown>,
): Promise<Seen> {
  const client = await Client.start(operator, CLIENT)
  try {
    const began = Date.now()
    await work()
    const seen = seenIn(await client.since(began))
    t.diagnostic(told({ what }, seen))
    return seen
  } finally {
    await client.stop()
  }
}

const ANSWERS = 'until docker version >/dev/null 2>&1; do sleep 0.2; done'

const KILLED = 'the Docker Engine is killed'
const HANGS = 'the Docker Engine hangs for 10 s'
const WITHOUT_SYSTEMD = `${KILLED}, without systemd`

/** Ends and starts the engine; the containers and the load balancer's ports stay as they are. */
const ENDINGS: Record<string, string> = {
  'the Docker Engine is restarted': `systemctl restart docker; ${ANSWERS}`,
  [KILLED]: `kill -KILL "$(cat /run/docker.pid)"; sleep 1; ${ANSWERS}`,
  // Meanwhile nobody reads what the containers log.
  [HANGS]: `kill -STOP "$(cat /run/docker.pid)"; sleep 10; kill -CONT "$(cat /run/docker.pid)"; ${ANSWERS}`,
  'the Docker Engine does not start, for the moment': `
daemon=/etc/docker/daemon.json
cp $daemon /tmp/daemon.json; echo wrong >$daemon
systemctl restart docker && exit 1
cp /tmp/daemon.json $daemon
systemctl reset-failed docker.socket docker; systemctl start docker; ${ANSWERS}`,
  [WITHOUT_SYSTEMD]: `
systemctl stop docker.socket docker
setsid dockerd >/dev/null 2>&1 </dev/null & ${ANSWERS}
kill -KILL "$(cat /run/docker.pid)"
sleep 1; rm -f /run/docker.pid
setsid dockerd >/dev/null 2>&1 </dev/null & ${ANSWERS}
kill "$(cat /run/docker.pid)"
while [ -e /run/docker.pid ]; do sleep 0.2; done
systemctl start docker; ${ANSWERS}`,
}

/** Seconds, on a machine that is much slower: so long has an engine that starts no rules for published ports. */
const MOST = 5

export function engineFaults(operator: () => Operator): void {
  describe('containers run on when', () => {
    for (const [what, script] of Object.entries(ENDINGS)) {
      const run = [KILLED, HANGS].includes(what) ? test : testLong
      run(what, async (t) => {
        const running = () => operator().root('docker ps -q --filter name=prusa- | sort')
        const before = await running()
        const { failed, gap } = await watched(t, operator(), what, () => operator().root(script))
        if (what === WITHOUT_SYSTEMD) {
          // New connections alone are refused, for a moment.
          assert.ok(gap < MOST, `${gap} s`)
          for (const { status, error } of failed) assert.equal(status, 0, error)
        } else assert.deepEqual(failed, [])
        assert.equal(await running(), before)
      })
    }

    test('and afterwards the copies of the rules are gone', async () => {
      assert.doesNotMatch(await operator().root('iptables-save; ip6tables-save'), /docker-kept/)
    })

    test('and afterwards the balancer finds fresh replicas', async () => {
      const root = (script: string) => operator().root(script)
      await root(`
image=$(docker inspect -f '{{.Config.Image}}' prusa-redis-1)
docker run -d --name late --network prusa_frontend --network-alias app --entrypoint sleep "$image" 300`)
      const address = (
        await root("docker inspect -f '{{.NetworkSettings.Networks.prusa_frontend.IPAddress}}' late")
      ).trim()
      await until('its address is known', async () =>
        (await root('docker logs --since 1m prusa-balancer-1 2>&1')).includes(`to '${address}'`),
      )
      await root('docker rm -f late')
    })

    test('and afterwards the engine still sees to them: what crashes is started again', async () => {
      await operator().root('kill -KILL "$(docker inspect -f {{.State.Pid}} prusa-redis-1)"')
      await until('Redis is back', async () => (await operator().get('/redis-hits')).status === 200)
    })
  })
}
