/** How many requests each release answered and when, read from the logs of nginx and HAProxy. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash, remote, remoteText } from '../host/shell.mts'
import { containerOf } from '../stack/stack.mts'

/** Milliseconds of one column in the picture. */
export const BIN = 500

export interface Column {
  /** Milliseconds since 1970, a multiple of BIN. */
  at: number
  /** `none`: no replica answered. */
  release: string
  requests: number
}

/** The requests of all users, the probe included. */
export interface Traffic {
  columns: Column[]
  requests: number
  /** Requests that no replica answered although one should have. */
  unanswered: number
  /** Requests whose replica broke off in the middle of the response. */
  cut: number
}

/** Lines of the log that are read first. */
const TAIL = 2000

/** Counts the requests in the logs of all hosts. @param since milliseconds since 1970 */
export async function readTraffic(
  hosts: readonly Host[],
  stack: StackConfig,
  since: number,
): Promise<Traffic> {
  return parseTraffic((await Promise.all(hosts.map((host) => logged(host, stack, since)))).join('\n'))
}

async function logged(host: Host, stack: StackConfig, since: number): Promise<string> {
  const [lb, balancer] = [containerOf(stack, 'lb'), containerOf(stack, 'balancer')]
  const script = remote('traffic', {
    lb,
    balancer,
    since: Math.floor(since),
    bin: BIN,
    lines: TAIL,
    program: remoteText('traffic.pl'),
  })
  return await host.run('Reading the load balancer’s log', script)
}

/**
 * Addresses of the replicas that failed a request, from the last lines of the log.
 * @param since milliseconds since 1970
 */
export async function failing(host: Host, stack: StackConfig, since: number): Promise<string[]> {
  return await host.lines(
    'Reading the load balancer’s log',
    bash`
docker logs --tail ${TAIL} ${containerOf(stack, 'lb')} 2>/dev/null |
  jq -rR 'fromjson? | select(.msec * 1000 >= ${since} and .status >= 499) | .upstream' |
  grep -oE '[0-9.]+:5000$' | cut -d: -f1 | sort -u || true # the last address is the one that answered`,
  )
}

/** @param output what traffic.sh prints */
export function parseTraffic(output: string): Traffic {
  const traffic: Traffic = { columns: [], requests: 0, unanswered: 0, cut: 0 }
  for (const line of output.split('\n').filter(Boolean)) {
    const [, number, bin, name, unanswered] = /^\s*(\d+) (\d+|cut)(?:\t(.*)\t(.*))?$/.exec(line) ?? []
    const requests = Number(number)
    if (bin === 'cut') {
      traffic.cut += requests
      continue
    }
    traffic.requests += requests
    if (unanswered === 'true') traffic.unanswered += requests
    const [at, release] = [Number(bin) * BIN, name || 'none']
    const column = traffic.columns.find((one) => one.at === at && one.release === release)
    if (column) column.requests += requests
    else traffic.columns.push({ at, release, requests })
  }
  traffic.columns.sort((one, other) => one.at - other.at)
  return traffic
}
