/** What `npm run status` shows of one host. */
import type { StackConfig } from '../config/config.mts'
import type { Status } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { fleetOf } from '../rollout/fleet.mts'
import { alarmsOf } from '../status/alarms.mts'
import { compare, type Differs } from '../status/checkout.mts'
import { asConfigured, requestsOf, screen, shown } from '../status/screen.mts'
import { type Facts, lookAtAll } from '../status/status.mts'

export async function statusOf(host: Host, stack: StackConfig): Promise<Status> {
  const facts = await lookAtAll(host, stack)
  const { differs, note } = compare(stack, facts)
  return {
    alarms: alarmsOf(stack, facts, Date.now()),
    facts: { ...facts, replicas: asJson(facts, differs) },
    screen: facts.containers.length === 0 ? '' : screen(shown(stack, facts, differs)),
    note,
  }
}

function asJson({ replicas, places }: Facts, differs: Differs) {
  const { serving } = fleetOf(replicas, places)
  return replicas.map((one) => {
    const place = places.find(({ address }) => one.running && address === one.address)
    return {
      ...one,
      serving: serving.includes(one),
      requests: requestsOf(place),
      asConfigured: asConfigured(differs(one)),
    }
  })
}
