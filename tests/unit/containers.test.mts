/** status: what is wrong with containers and replicas, each with the command that helps. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alarms, container, facts, started, testAlarms } from '../lib/status.mts'

describe('there is an alarm for', () => {
  const rest = ['balancer', 'db', 'dbport', 'lb'].map((service) => container(service, 1))
  const apps = [container('app', 1), container('app', 2)]
  const stopped = { Running: false, ExitCode: 137 }
  /** Milliseconds since it was started again. */
  const RESTARTED = 600_000
  const redis = (more: object, restarts = 0, ...others: string[]) =>
    facts(...rest, ...apps, ...others, container('redis', 1, restarts ? started(RESTARTED) : more, restarts))
  const app2 = (more: object) => container('app', 2, { Running: false, ...more })
  const oom = (ago: number) => `oom\tredis1\t${ago}`
  testAlarms([
    [
      'a service that was stopped',
      redis(stopped),
      /^prusa-redis-1 was stopped by hand 1 min 0 s ago \(exit code 137\); it stays stopped \| npm run restart -- redis$/,
    ],
    [
      'a replica that was stopped',
      facts(...rest, container('redis', 1), container('app', 1), container('app', 2, stopped)),
      /^prusa-app-2 was stopped by hand .* \| npm run restart -- app-2$/,
    ],
    [
      'a service without a container',
      facts(...rest, ...apps),
      /^There is no container of redis \| npm run deploy$/,
    ],
    [
      'a replica that was removed',
      facts('replicas\t3'),
      /^Replicas are missing: there is only prusa-app-1 and prusa-app-2, of 3 \| npm run redeploy -- --release 9dbc$/,
    ],
    [
      'an unhealthy service',
      redis({ Health: { Status: 'unhealthy' } }),
      /^prusa-redis-1 runs, but fails its health check .* npm run restart -- redis$/,
    ],
    ['a paused service', redis({ Paused: true }), /^prusa-redis-1 is paused \| npm run restart -- redis$/],
    [
      'a service that the engine cannot start',
      redis({ ...stopped, Error: 'driver failed: port is already allocated' }),
      /^prusa-redis-1 could not be started: driver failed: port is already allocated \| npm run restart -- redis$/,
    ],
    [
      'a crash loop',
      redis({ Running: false, Restarting: true, ExitCode: 3 }),
      /crashes again and again, the last time with exit code 3 \| npm run logs -- redis$/,
    ],
    [
      'a crash loop, while the container runs for a moment',
      facts(...rest, ...apps, container('redis', 1, started(2000), 4)),
      /^prusa-redis-1 crashes again and again, the last time 2\.0 s ago \| npm run logs -- redis$/,
    ],
    [
      'a crash loop for lack of memory',
      facts(...rest, container('redis', 1), container('app', 1), app2({ Restarting: true, OOMKilled: true })),
      /^prusa-app-2 crashes again and again, the last time killed for memory, since it needed more than its limit \| app\.memory in .* npm run redeploy$/,
    ],
    [
      'a crash',
      redis({}, 1),
      /^! prusa-redis-1 has crashed, .* \(1 time in all\) \| npm run logs -- redis --errors$/,
    ],
    [
      'a crash for lack of memory, by the kernel’s log',
      redis({}, 1, oom(RESTARTED)),
      /^prusa-redis-1 was killed for memory 10 min 0 s ago \(1 time in all\): it needed more than its limit \| npm run logs -- redis$/,
    ],
    [
      'a crash long after a kill by the kernel',
      redis({}, 1, oom(RESTARTED + 600_000)),
      /^! prusa-redis-1 has crashed/,
    ],
    [
      'a replica that is down for the balancer',
      facts(
        'place\tapp1\t10.0.0.1\t0\t100\t0\t0\t0\tLayer7 timeout',
        'place\tapp2\t10.0.0.2\t2\t100\t0\t0\t0\t',
      ),
      /^prusa-app-1 gets no requests: Layer7 timeout \| npm run logs -- app-1, then: npm run restart -- app-1$/,
    ],
    [
      'a replica in a crash loop, which runs by what the engine says',
      facts(...rest, container('redis', 1), container('app', 1), app2({ Running: true, Restarting: true })),
      /^prusa-app-2 crashes again and again/,
    ],
    [
      'a replica that the balancer does not find',
      facts('place\tapp1\t10.0.0.1\t2\t100\t0\t0\t0\t'),
      /^prusa-app-2 runs, but gets no requests: the balancer does not find it \| npm run restart -- app-2$/,
    ],
    [
      'a replica that a rollout has left without requests',
      facts('place\tapp1\t10.0.0.1\t2\t100\t0\t0\t0\t', 'place\tapp2\t10.0.0.2\t2\t0\t0\t0\t0\t'),
      /^prusa-app-2 runs, but gets no requests: a rollout was interrupted \| npm run redeploy$/,
    ],
    [
      'a site without a healthy replica',
      facts('place\tapp1\t10.0.0.1\t0\t100\t0\t0\t0\tx', 'place\tapp2\t10.0.0.2\t0\t100\t0\t0\t0\ty'),
      /^No replica gets requests: .* 503 \| npm run logs/,
      /^prusa-app-1 gets no requests: x \| /,
      /^prusa-app-2 gets no requests: y \| /,
    ],
    [
      'a site without a running replica',
      facts(...rest, container('redis', 1), container('app', 1, stopped), container('app', 2, stopped)),
      /^prusa-app-1 was stopped/,
      /^prusa-app-2 was stopped/,
      /^No replica runs: the site answers 503 \| npm run restart$/,
    ],
    [
      'a balancer that was stopped, but not for its consequences',
      {
        ...facts(...rest.slice(1), container('redis', 1), container('balancer', 1, stopped), ...apps),
        places: [],
      },
      /^prusa-balancer-1 was stopped by hand .* \| npm run restart -- balancer$/,
    ],
    [
      'killed processes',
      facts('killed\tprusa-app-1\t2'),
      /^! The kernel killed processes of prusa-app-1.* \| app\.memory in .* npm run redeploy$/,
    ],
  ])

  test('no replica that starts or stops during a run', () => {
    const found = facts(
      ...rest,
      container('redis', 1),
      container('app', 1),
      container('app', 2, stopped),
      'lock\tcarl',
    )
    assert.deepEqual(alarms(found), [])
    // Neither a service that the first deploy has not started yet.
    assert.deepEqual(alarms(facts(...rest, ...apps, 'lock\tcarl')), [])
  })
})
