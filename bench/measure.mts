/** How long things take. */

/** Seconds of one run, as text. */
export async function timed(work: () => Promise<unknown>): Promise<string> {
  return `${(await secondsOf(work)).toFixed(2)} s`
}

/** The least of several runs: what the work costs when nothing else disturbs it. */
export async function minimum(runs: number, work: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let run = 0; run < runs; run++) times.push(await secondsOf(work))
  times.sort((a, b) => a - b)
  return `${(times[0] as number).toFixed(2)} s (median ${(times[Math.floor(runs / 2)] as number).toFixed(2)} s)`
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}
