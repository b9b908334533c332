/** A series: the client sends requests while the work is done several times. */
import { say } from '../scripts/lib/cli/say.mts'
import type { Summary } from '../scripts/lib/proof/probe.mts'
import { type Asking, asked } from '../tests/lib/asking.mts'
import { type Deployment, docker } from '../tests/lib/deployment.mts'

export interface Measured extends Summary {
  /** 99th percentile in nginx's log, milliseconds: from a request's first byte to its response's last. */
  ownP99: number
}

export function row(what: string, { requests, failed, p50, p99, slowest, ownP99 }: Measured): string[] {
  return [
    what,
    `${failed.length} of ${requests} failed, median ${p50} ms, p99 ${p99} ms (nginx: ${ownP99} ms), slowest ${slowest} ms`,
  ]
}

export function ratio(what: string, rolling: Measured, rest: Measured): string[] {
  const of = (one: number, other: number) => (one / other).toFixed(2)
  return [what, `${of(rolling.p99, rest.p99)} (nginx: ${of(rolling.ownP99, rest.ownP99)})`]
}

export async function series(
  site: Deployment,
  rounds: number,
  work: (round: number) => Promise<unknown>,
  asking: Partial<Asking> = {},
): Promise<Measured> {
  const began = new Date().toISOString()
  const summary = await asked(
    site,
    async () => {
      for (let round = 0; round < rounds; round++) {
        await work(round)
        if (rounds > 1) say(`  ${round + 1} of ${rounds}`)
      }
    },
    asking,
  )
  const { stdout } = await docker`docker logs --since ${began} ${`${site.project}-lb-1`}`
  const own = [...stdout.matchAll(/"seconds":([\d.]+)/g)].map(([, seconds]) => Number(seconds) * 1000)
  own.sort((a, b) => a - b)
  return { ...summary, ownP99: own[Math.floor(own.length * 0.99)] ?? 0 }
}
