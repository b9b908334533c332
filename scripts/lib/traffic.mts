/** Which release answered how many requests when, from the load balancer's own log. */
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import type { Replica } from './replica.mts'
import { bash } from './shell.mts'
import { containerOf } from './stack.mts'

/** Milliseconds of one column in the picture. */
export const BIN = 500

export interface Traffic {
  /** Milliseconds since 1970, a multiple of BIN. */
  at: number
  release: string
  requests: number
}

/** Counts on the server, so that a busy log is not sent over the line. */
export async function readTraffic(
  host: Host,
  stack: StackConfig,
  since: number,
  replicas: Replica[],
): Promise<Traffic[]> {
  const output = await host.run(
    'Reading the load balancer’s log',
    bash`
docker logs --since ${new Date(since).toISOString()} ${containerOf(stack, 'lb')} 2>/dev/null |
  jq -rR 'fromjson? | [(.msec * 1000 / ${BIN} | floor), (.upstream | split(", ") | last // "")] | @tsv' | sort | uniq -c`,
  )
  return parseTraffic(output, replicas)
}

export function parseTraffic(output: string, replicas: Replica[]): Traffic[] {
  const rows = output
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, number = '0', bin = '0', upstream = ''] = /^\s*(\d+) (\d+)\t?(.*)$/.exec(line) ?? []
      const at = Number(bin) * BIN
      return { at, release: releaseAt(replicas, upstream.split(':')[0] ?? '', at), requests: Number(number) }
    })
  return rows.sort((a, b) => a.at - b.at)
}

/** Docker gives an address to the next container when one is gone, so the time tells whose it was. */
function releaseAt(replicas: Replica[], address: string, at: number): string {
  const holders = replicas.filter((one) => one.address === address && one.startedAt <= at + BIN)
  return holders.sort((a, b) => b.startedAt - a.startedAt)[0]?.release ?? 'none'
}
