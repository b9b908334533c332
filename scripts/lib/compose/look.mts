/** What `npm run status` shows of one host. */
import type { StackConfig } from '../config/config.mts'
import type { Status } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { fleetOf } from '../rollout/fleet.mts'
import { alarmsOf } from '../status/alarms.mts'
import { compare } from '../status/checkout.mts'
import { requestsOf, screen } from '../status/screen.mts'
import { type Facts, lookAtAll } from '../status/status.mts'

export async function statusOf(host: Host, stack: StackConfig): Promise<Status> {
  const facts = await lookAtAll(host, stack)
  const { differs, note } = compare(stack, facts)
  return {
    alarms: alarmsOf(stack, facts, Date.now()),
    facts: { ...facts, replicas: asJson(facts, differs) },
    screen: facts.containers.length === 0 ? '' : screen(stack, facts, differs),
    note,
  }
}

function asJson({ replicas, places }: Facts, differs: (name: string) => string | undefined) {
  const { serving } = fleetOf(replicas, places)
  return replicas.map((one) => {
    const place = places.find(({ address }) => one.running && address === one.address)
    const asConfigured = differs(one.name)
    return {
      ...one,
      serving: serving.includes(one),
      requests: requestsOf(place),
      asConfigured: asConfigured === undefined ? 'not known' : asConfigured || 'yes',
    }
  })
}
