/** The soak: a random fault every ten seconds, while a client asks. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './asking.mts'
import type { Deployment } from './deployment.mts'
import { FAULTS, type Fault, isBearable, type Seen, suffer, told } from './faults.mts'
import { seeded } from './random.mts'

/** Seconds from one fault to the next; one that lasts longer delays it. */
const EVERY = 10

interface Soaking {
  /** How long, in seconds. */
  seconds: number
  /** The same seed gives the same faults in the same order. */
  seed: number
  /** Is told of each fault when all is well again. */
  say: (line: string) => void
}

/** What the client saw of all faults of one kind. */
export interface Suffered {
  fault: Fault
  times: number
  requests: number
  failed: number
  /** Seconds. */
  gap: number
  /** Whether each of them cost no more than it may. */
  bearable: boolean
}

/** @throws Error when all is not well two minutes after a fault */
export async function soak(
  site: Deployment,
  client: Client,
  { seconds, seed, say }: Soaking,
): Promise<Suffered[]> {
  const below = seeded(seed)
  const suffered = new Map<Fault, Suffered>()
  const end = Date.now() + seconds * 1000
  while (Date.now() < end) {
    const next = Date.now() + EVERY * 1000
    const fault = FAULTS[below(FAULTS.length)] as Fault
    const seen = await suffer(site, client, fault)
    say(told(fault, seen))
    suffered.set(fault, together(fault, suffered.get(fault), seen))
    await sleep(Math.max(0, next - Date.now()))
  }
  return [...suffered.values()]
}

function together(fault: Fault, before: Suffered | undefined, seen: Seen): Suffered {
  const { times = 0, requests = 0, failed = 0, gap = 0, bearable = true } = before ?? {}
  return {
    fault,
    times: times + 1,
    requests: requests + seen.requests,
    failed: failed + seen.failed.length,
    gap: Math.max(gap, seen.gap),
    bearable: bearable && isBearable(fault, seen),
  }
}
