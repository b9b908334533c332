/** What `npm run status` shows of several hosts: what is wrong, the hosts, and who runs where. */
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { REFUSES } from '../edge/nginx.mts'
import type { Status } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { servicesOn } from '../stack/services.mts'
import { type Alarm, alarm, warning } from '../status/alarm.mts'
import { alarmsOfOne, byGravity, interrupted } from '../status/alarms.mts'
import { type Comparison, compare, type Differs } from '../status/checkout.mts'
import { crashed } from '../status/containers.mts'
import { release, type Shown as Screen, screen, server } from '../status/screen.mts'
import type { Facts } from '../status/status.mts'
import { type Here, lookAtAllHosts, type Shown, wholeOf } from './look.mts'
import type { Swarm } from './swarm.mts'
import { hostRows, replicaRows, servicesOfAll } from './tables.mts'
import { hasCrashed, type Member, serving, type Task, type View } from './view.mts'

/** Who holds the data. */
type Data = Pick<Swarm, 'first'>

/** @param manager a host of the swarm */
export async function statusOf(swarm: Swarm, manager: Host, stack: StackConfig): Promise<Status> {
  const shown = await lookAtAllHosts(swarm, manager, stack)
  const { differs, note } = comparisonOf(stack, shown)
  const { view, here } = shown
  const { history = [], lock = '', step = '' } = wholeOf(shown) ?? {}
  return {
    alarms: alarmsOf(swarm, stack, shown),
    facts: { ...view, hosts: here.map(({ facts, ...host }) => ({ ...facts, ...host })), history, lock, step },
    screen: screen(shownOf(stack, shown, differs)),
    note,
  }
}

/** Of what runs with this checkout. The images are known while the host with the data is not silent. */
export function comparisonOf(stack: StackConfig, shown: Shown): Comparison {
  const whole = shown.here[0]?.facts && wholeOf(shown)
  return whole ? compare(stack, whole) : { differs: () => undefined, note: '' }
}

export function shownOf(stack: StackConfig, shown: Shown, differs: Differs): Screen {
  const { view, here } = shown
  const whole = wholeOf(shown)
  const alone = view.service?.update === 'updating' && !whole?.lock ? ['Swarm replaces replicas'] : []
  return {
    release: [...(whole ? release(whole) : []), ...alone],
    hosts: hostRows(view, here),
    replicas: replicaRows(shown, differs),
    services: servicesOfAll(here),
    server: whole ? server(stack, { ...whole, disk: undefined, memory: undefined }) : [],
  }
}

export function alarmsOf({ first }: Data, stack: StackConfig, { view, here }: Shown): Alarm[] {
  const { members } = view
  const whole = wholeOf({ view, here })
  const used = here.filter(({ name }) => !isDrained(members, name))
  return byGravity([
    ...lost(members, first.address),
    ...silent(members, here),
    ...used.flatMap(({ name, facts }) => ofHost(stack, name, facts, name === first.address)),
    ...refusing(used),
    ...closed(here),
    ...(whole ? interrupted(whole) : []),
    ...replicas(stack, view, here),
  ])
}

const lost = (members: Member[], data: string) =>
  members
    .filter(({ up }) => !up)
    .map(({ name }) =>
      name === data
        ? alarm(
            `${name} is down. It holds the database and Redis: pages that need them answer an error until it is back`,
            'Bring it back.',
          )
        : alarm(
            `${name} is down; its replicas run elsewhere`,
            `Bring it back, or take it out for good: npm run hosts -- remove ${name}`,
          ),
    )

const silent = (members: Member[], here: Here[]) =>
  here
    .filter((one) => one.silent && members.find(({ name }) => name === one.name)?.up)
    .map(({ name, silent: why }) =>
      warning(
        `${name} is up, and this machine does not reach it: ${why}`,
        'Look at name, port and firewall.',
      ),
    )

const ofHost = (stack: StackConfig, name: string, facts: Facts | undefined, data: boolean) =>
  facts
    ? alarmsOfOne(stack, facts, servicesOn(data), Date.now()).map((one) => ({
        ...one,
        what: `${name}: ${one.what}`,
      }))
    : []

const refusing = (here: Here[]) =>
  here
    .filter(({ facts }) => facts && !facts.answers && runs(facts, 'lb'))
    .map(({ name }) =>
      alarm(
        `${name} ${REFUSES}. Clients use the other hosts`,
        'npm run status again. If it stays so: npm run logs -- balancer --errors',
      ),
    )

const runs = ({ containers }: Facts, service: string) =>
  containers.some((one) => one.service === service && one.running && !one.paused)

function closed(here: Here[]): Alarm[] {
  const at = here.filter(({ facts }) => facts?.maintenance)
  const open = here.filter(({ facts }) => facts && !facts.maintenance).map(({ name }) => name)
  const names = open.length === 0 ? 'all hosts' : list(at.map(({ name }) => name))
  const what = `Maintenance is on at ${names}, by ${at[0]?.facts?.maintenance?.who}: users get a page with status 503`
  if (at.length === 0) return []
  if (open.length === 0) return [alarm(what, 'npm run maintenance -- off')]
  return [alarm(`${what}, and not at ${list(open)}`, 'npm run maintenance -- on, or off: for all hosts')]
}

function replicas(stack: StackConfig, view: View, here: Here[]): Alarm[] {
  const { service, tasks } = view
  if (!service) return [alarm(`No release of ${stack.project} runs`, 'npm run deploy')]
  const number = serving(view).length
  const failed = tasks.filter(({ error }) => error).toSorted((a, b) => a.age - b.age)[0]
  const last = failed ? `; the last to end: ${failed.name} on ${failed.on || 'no host'}, ${failed.error}` : ''
  const few = `${number} of ${service.replicas} replicas run${last}`
  return [
    ...crashes(view, here),
    ...(number < service.replicas ? [alarm(few, 'npm run status again: Swarm is starting others')] : []),
    ...(/paused/.test(service.update)
      ? [alarm(`The last rollout has stopped: ${service.why}`, 'npm run redeploy, or npm run rollback')]
      : []),
  ]
}

/** Replicas in whose place Swarm has started others, since they ended by themselves. */
function crashes({ service, tasks }: View, here: Here[]): Alarm[] {
  const containers = here.flatMap(({ facts }) => facts?.tasks ?? [])
  const failed = tasks.filter((one) => hasCrashed(one) && one.target === service?.target)
  return [...new Set(failed.map(({ name }) => name))].flatMap((name) => {
    const all = failed.filter((one) => one.name === name).toSorted((a, b) => a.age - b.age)
    const [{ on, age, container }] = all as [Task, ...Task[]]
    const outOfMemory = containers.find(({ id }) => id === container)?.outOfMemory ?? false
    return crashed(
      { name: `${name} on ${on}`, service: 'app', restarts: all.length, age, outOfMemory },
      'app',
    )
  })
}

const isDrained = (members: Member[], name: string) =>
  members.find((one) => one.name === name)?.availability === 'drain'
