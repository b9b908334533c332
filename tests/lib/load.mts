/** A client of the tests', that asks a site from before something is done to it until after. */
import assert from 'node:assert/strict'
import type { Site } from '../../scripts/lib/edge/site.mts'
import { Probe, type Summary, summarize } from '../../scripts/lib/proof/probe.mts'

/** Seconds: what a starved machine may take, and less than a replica that hangs is given (app.timeout). */
export const PATIENCE = 14
/** So many requests are open at most: where the machine is slower than the client, the client must not bury it. */
const MOST = 32

/** Requests per second: a rollout of ours is watched by its own probe as well. */
const RATE = 10
/** For what is shown once for all: a loss of 20 ms would be seen. */
export const DENSE: Load = { rate: 50 }

export interface Load {
  /** Requests per second. Each costs six milliseconds of processor time, on both sides together. */
  rate?: number
  page?: string
  most?: number
}

/** Does the work while the client asks; returns what the client saw. */
export async function underLoad(
  site: Site,
  work: () => Promise<unknown>,
  { rate = RATE, page = '/', most = MOST }: Load = {},
): Promise<Summary> {
  const probe = new Probe({ site, path: page, rate, timeout: PATIENCE, most }).start()
  try {
    await work()
  } finally {
    await probe.stop()
  }
  return summarize(probe.samples)
}

/** The same, and the client must not have noticed; returns the work's own result. */
export async function unnoticed<T>(site: Site, work: () => Promise<T>, load: Load = {}): Promise<T> {
  let done: T | undefined
  const { requests, failed } = await underLoad(
    site,
    async () => {
      done = await work()
    },
    load,
  )
  assert.ok(requests > 0, `${requests} requests`)
  assert.equal(failed.length, 0, `${failed.length} of ${requests}: ${JSON.stringify(failed.slice(0, 3))}`)
  return done as T
}
