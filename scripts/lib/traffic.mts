/** Which release answered how many requests when, from the load balancer's own log. */
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import { bash } from './shell.mts'
import { containerOf } from './stack.mts'

/** Milliseconds of one column in the picture. */
export const BIN = 500

export interface Traffic {
  /** Milliseconds since 1970, a multiple of BIN. */
  at: number
  /** `none`: no replica answered it. */
  release: string
  requests: number
}

/** Counts on the server, so that a busy log is not sent over the line. */
export async function readTraffic(host: Host, stack: StackConfig, since: number): Promise<Traffic[]> {
  const output = await host.run(
    'Reading the load balancer’s log',
    bash`
docker logs --since ${new Date(since).toISOString()} ${containerOf(stack, 'lb')} 2>/dev/null |
  jq -rR 'fromjson? | [(.msec * 1000 / ${BIN} | floor), .release // ""] | @tsv' | sort | uniq -c`,
  )
  return parseTraffic(output)
}

export function parseTraffic(output: string): Traffic[] {
  const rows = output
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, number = '0', bin = '0', release] = /^\s*(\d+) (\d+)\t?(.*)$/.exec(line) ?? []
      return { at: Number(bin) * BIN, release: release || 'none', requests: Number(number) }
    })
  return rows.sort((a, b) => a.at - b.at)
}
