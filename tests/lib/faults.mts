/** What breaks by itself, done on purpose while a client asks: one list for the tests of the faults, the soak and the bench. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { $ } from 'zx'
import { parsePlaces } from '../../scripts/lib/edge/balancer.mts'
import { remoteText } from '../../scripts/lib/host/shell.mts'
import type { Sample } from '../../scripts/lib/proof/probe.mts'
import { copyOf } from './application.mts'
import type { Client } from './asking.mts'
import type { Deployment } from './deployment.mts'
import { until } from './until.mts'

/** The client of the faults: requests per second, and seconds after which it gives up. */
export const CLIENT = { rate: 100, timeout: 5 }
/** Seconds in which a replica of the faults' application warms up. */
export const WARM_UP = 2

export interface Fault {
  /** As in docs/measurements.md. */
  what: string
  /** Bash that does it; the functions and variables of {@link KNOWN} are there. */
  harm: string
  /** Bash that takes it away after so many seconds; without it the stack heals by itself. */
  mend?: string
  hold?: number
  /** How many requests may fail. */
  failed?: number
  /** Or for how many seconds requests may fail. */
  gap?: number
}

/** For all faults: `one` and `other` are two replicas. */
const KNOWN = `
one=$(sed -n 1p <<<"$replicas") other=$(sed -n 2p <<<"$replicas")
of() { echo "$project-$1-1"; }
pid() { docker inspect -f '{{.State.Pid}}' "$1" | grep -v '^0$'; } # kill 0 would end the caller's whole group
# Not by docker kill, which the engine takes for a stop by hand.
crash() { local first; first=$(pid "$1") && kill -KILL "$first"; }
worker() { # CONTAINER NAME: the last of the processes that have started each other
  local at next
  at=$(pid "$1")
  while next=$(pgrep -P "$at" -x "$2" | tail -n 1) && [ -n "$next" ]; do at=$next; done
  echo "$at"
}
firewall() { local first; first=$(pid "$1") && nsenter -t "$first" -n iptables "\${@:2}"; }
told() { docker exec "$one" sh -c "$1"; }`

/** A rule that loses one packet in twenty, each way, between the containers. */
const lossy = (order: string) => `
for name in $replicas "$(of balancer)" "$(of db)" "$(of redis)"; do
  firewall "$name" ${order} INPUT ! -i lo -m statistic --mode random --probability 0.05 -j DROP
  firewall "$name" ${order} OUTPUT ! -o lo -m statistic --mode random --probability 0.05 -j DROP
done`

/** Of three requests one is answered by a reset. */
const RESETS =
  'INPUT -p tcp --dport 5000 --tcp-flags PSH PSH -m statistic --mode random --probability 0.3 -j REJECT --reject-with tcp-reset'

/**
 * Seconds of an outage: for as long as the client's patience where waiting could hide it, shorter where something refuses at
 * once; and of one that heals by itself: it must show before all can be well again.
 */
const HOLD = 5
const CLEAR = 3
const SHORT = 1

const lasting = (what: string, harm: string, mend: string, more: Partial<Fault> = {}): Fault => ({
  what,
  harm,
  mend,
  hold: HOLD,
  ...more,
})
export const misbehaves = (what: string, how: string, more: Partial<Fault> = {}) =>
  lasting(what, `told 'echo ${how} >/tmp/fault'`, `told 'rm -f /tmp/fault' || true`, more)

/** An answer that a replica had begun when it was killed or began to hang cannot be asked of another one. */
const BEGUN = 2

export const FAULTS: readonly Fault[] = [
  { what: 'one replica is killed', harm: 'crash "$one"', failed: BEGUN },
  lasting('one replica hangs', 'docker pause "$one"', 'docker unpause "$one"', { failed: BEGUN }),
  misbehaves('one replica answers after 2 s', 'slow'),
  lasting('one replica resets connections', `firewall "$one" -I ${RESETS}`, `firewall "$one" -D ${RESETS}`, {
    hold: CLEAR,
  }),
  misbehaves('one replica answers 500 to everything', 'wrong', {
    hold: CLEAR,
    failed: Number.POSITIVE_INFINITY,
  }),
  { what: 'both replicas are killed', harm: 'crash "$one"; crash "$other"', gap: WARM_UP + 2 },
  lasting('Redis is stopped', 'docker stop "$(of redis)"', 'docker start "$(of redis)"', { hold: CLEAR }),
  lasting('Redis hangs', 'docker pause "$(of redis)"', 'docker unpause "$(of redis)"'),
  { what: 'Redis is killed', harm: 'crash "$(of redis)"' },
  lasting('the database is stopped', 'docker stop "$(of db)"', 'docker start "$(of db)"', { hold: CLEAR }),
  lasting('the database hangs', 'docker pause "$(of db)"', 'docker unpause "$(of db)"'),
  { what: 'the database is killed', harm: 'crash "$(of db)"' },
  // Those that it holds: at 100 requests/s there are few.
  {
    what: 'one worker of nginx is killed',
    harm: 'one=$(worker "$(of lb)" nginx); kill -KILL "$one"',
    failed: 10,
  },
  { what: 'nginx is killed', harm: 'crash "$(of lb)"', gap: 1 },
  { what: 'HAProxy is killed', harm: 'crash "$(of balancer)"', gap: 1 },
  { what: 'HAProxy hangs', harm: 'one=$(worker "$(of balancer)" haproxy); kill -STOP "$one"', gap: 5 },
  misbehaves('one replica uses up its memory', 'leak', { hold: 2, failed: BEGUN }),
  {
    what: 'one replica is in a crash loop',
    // The engine starts it again and again, and waits longer each time.
    harm: 'for _ in 1 2 3 4 5; do until crash "$one" 2>/dev/null; do sleep 0.1; done; done',
    failed: BEGUN,
  },
  lasting('the network loses 5 % of its packets', lossy('-I'), lossy('-D')),
]

/** Misbehaves when a file says so, in all but /status. */
const MISBEHAVIOUR = `
    @app.before_request
    def misbehave():
        import os, time
        from flask import request
        if request.path == "/status" or not os.path.exists("/tmp/fault"):
            return
        with open("/tmp/fault") as file:
            how = file.read().strip()
        if how == "slow":
            time.sleep(2)
        if how == "wrong":
            return "Sorry", 500, TEXT
        if how == "leak":
            leaked.append(bytearray(b"x" * (16 << 20)))

    leaked = []
`

/** The application in app/, with that; its settings. */
export function fallible(site: Deployment) {
  const source = copyOf(site, 'app')
  const file = path.join(source, 'app.py')
  const before = '\n    @app.get("/")\n'
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(before, `${MISBEHAVIOUR}${before}`))
  return { app: { source, environment: { WARMUP_SECONDS: String(WARM_UP) } } }
}

/** What a client saw. */
export interface Seen {
  requests: number
  failed: Sample[]
  /** Seconds: the longest time in which no request succeeded. */
  gap: number
  /** Milliseconds. */
  slowest: number
}

/**
 * Lets a fault happen, and waits until all is well again; then the client rests.
 * @param meanwhile is done while it lasts
 */
export async function suffer(
  site: Deployment,
  client: Client,
  fault: Fault,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<Seen> {
  await client.ask()
  const began = Date.now()
  await run(site, fault.harm)
  try {
    await Promise.all([sleep((fault.hold ?? SHORT) * 1000), meanwhile()])
  } finally {
    if (fault.mend) await run(site, fault.mend)
  }
  await until(`all is well after: ${fault.what}`, () => isWell(site))
  const samples = await client.since(began)
  client.rest()
  return seenIn(samples)
}

async function run(site: Deployment, script: string): Promise<void> {
  const replicas = (await site.containers('app')).join('\n')
  const env = { ...process.env, project: site.project, replicas }
  await $({ quiet: true, env, input: `set -e\n${KNOWN}\n${script}\n` })`bash -s`
}

/** Whether every container runs, and the balancer sends requests to each replica. */
async function isWell(site: Deployment): Promise<boolean> {
  const [running, all] = await Promise.all([site.names(), site.names(true)])
  if (running.length < all.length) return false
  const look = $({ quiet: true, nothrow: true })
  const { stdout } = await look`perl -e ${remoteText('balancer.pl')} ${site.folder}/haproxy/run look`
  const serving = parsePlaces(stdout).filter(({ up, weight }) => up && weight > 0)
  return serving.length === running.filter((name) => name.includes('-app-')).length
}

export function seenIn(samples: readonly Sample[]): Seen {
  const sorted = samples.toSorted((a, b) => a.due - b.due)
  let [gap, since] = [0, 0]
  for (const { due, error } of sorted) {
    if (error) since ||= due
    else since = 0
    if (since) gap = Math.max(gap, due - since + 1000 / CLIENT.rate)
  }
  const slowest = Math.max(0, ...samples.map(({ took }) => took))
  return { requests: samples.length, failed: sorted.filter(({ error }) => error), gap: gap / 1000, slowest }
}

/** What the client may see, in words. */
export const aimOf = ({ failed = 0, gap }: Fault): string =>
  gap ? `${gap} s` : failed === Number.POSITIVE_INFINITY ? 'what the replica answers' : `${failed} failed`

/** A machine may be so many times slower than the one that was measured: it takes longer, and more requests are in flight. */
const SLOWER = 4

/** Whether it cost no more than it may. */
export function isBearable({ failed = 0, gap }: Fault, seen: Seen): boolean {
  return seen.requests > 0 && (gap ? seen.gap <= gap * SLOWER : seen.failed.length <= failed * SLOWER)
}

export function told({ what }: Pick<Fault, 'what'>, { requests, failed, gap, slowest }: Seen): string {
  const kinds = [...new Set(failed.map(({ error }) => error))]
  const how = kinds.map((kind) => `${failed.filter(({ error }) => error === kind).length} ${kind}`).join(', ')
  return `${what}: ${failed.length} of ${requests} requests failed${how && ` (${how})`}, longest gap ${gap.toFixed(1)} s, slowest ${slowest} ms`
}
