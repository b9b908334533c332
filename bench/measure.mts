/** Measures durations. */

/** Runs the scripts as users do, which takes longer than node alone. */
export const AS_TYPED = ['npx', 'zx']

/** Seconds of one run, as text. */
export async function timed(work: () => Promise<unknown>): Promise<string> {
  return `${(await secondsOf(work)).toFixed(2)} s`
}

/** The minimum of several runs, which other load on the machine disturbs least. */
export async function minimum(runs: number, work: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let run = 0; run < runs; run++) times.push(await secondsOf(work))
  return `${Math.min(...times).toFixed(2)} s (median ${median(times).toFixed(2)} s)`
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}
