/** The screen of `npm run status` for several hosts: what is wrong, the hosts, and who runs where. */
import { list } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { REFUSES } from '../edge/nginx.mts'
import type { Status } from '../engine/engine.mts'
import type { Host } from '../host/host.mts'
import { historyTable } from '../proof/history.mts'
import { type Alarm, alarm, warning } from '../status/alarm.mts'
import { certificateAlarms } from '../status/renewed.mts'
import { type Here, lookAtAllHosts, type Shown } from './look.mts'
import type { Swarm } from './swarm.mts'
import { hostRows, replicaRows, tableOf } from './tables.mts'
import { type Member, serving, type View } from './view.mts'

/** @param manager a host of the swarm */
export async function statusOf(swarm: Swarm, manager: Host, stack: StackConfig): Promise<Status> {
  const shown = await lookAtAllHosts(swarm, manager, stack)
  const { view, here: hosts, history } = shown
  const alarms = alarmsOf(swarm, stack, shown)
  return { alarms, facts: { ...view, hosts, history }, screen: screen(shown), note: '' }
}

export function alarmsOf(swarm: Pick<Swarm, 'first'>, stack: StackConfig, { view, here }: Shown): Alarm[] {
  const { members, service } = view
  const data = swarm.first.address
  const number = serving(view).length
  const lost = members
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
  const silent = here
    .filter((one) => one.silent && members.find(({ name }) => name === one.name)?.up)
    .map(({ name, silent }) =>
      warning(
        `${name} is up, and this machine does not reach it: ${silent}`,
        'Look at name, port and firewall.',
      ),
    )
  const used = here.filter(({ name }) => !isDrained(members, name))
  const stopped = used.flatMap(({ name, services }) =>
    services
      .filter(({ running }) => !running)
      .map(({ service: what, said }) => alarm(`${what} on ${name} does not run: ${said}`, 'npm run deploy')),
  )
  const certificates = here.flatMap(({ name, renewed }) =>
    certificateAlarms(stack, renewed, Date.now(), ` on ${name}`),
  )
  const all = [...lost, ...silent, ...stopped, ...refusing(used), ...certificates, ...closed(here)]
  if (!service) return [...all, alarm(`No release of ${stack.project} runs`, 'npm run deploy')]
  const few = `${number} of ${service.replicas} replicas run${lastError(view)}`
  if (number < service.replicas) all.push(alarm(few, 'npm run status again: Swarm is starting others'))
  if (/paused/.test(service.update))
    all.push(alarm(`The last rollout has stopped: ${service.why}`, 'npm run redeploy, or npm run rollback'))
  return all
}

const refusing = (here: Here[]) =>
  here
    .filter(
      ({ answers, services }) => !answers && services.some((one) => one.service === 'lb' && one.running),
    )
    .map(({ name }) =>
      alarm(
        `${name} ${REFUSES}. Clients use the other hosts`,
        'npm run status again. If it stays so: npm run logs -- balancer --errors',
      ),
    )

function closed(here: Here[]): Alarm[] {
  const at = here.filter(({ closedBy }) => closedBy)
  const open = here.filter(({ closedBy, silent }) => !closedBy && !silent).map(({ name }) => name)
  const names = open.length === 0 ? 'all hosts' : list(at.map(({ name }) => name))
  const what = `Maintenance is on at ${names}, by ${at[0]?.closedBy}: users get a page with status 503`
  if (at.length === 0) return []
  if (open.length === 0) return [alarm(what, 'npm run maintenance -- off')]
  return [alarm(`${what}, and not at ${list(open)}`, 'npm run maintenance -- on, or off: for all hosts')]
}

const isDrained = (members: Member[], name: string) =>
  members.find((one) => one.name === name)?.availability === 'drain'

function lastError({ tasks }: View): string {
  const failed = tasks.filter(({ error }) => error).toSorted((a, b) => a.age - b.age)[0]
  return failed ? `; the last to end: ${failed.name} on ${failed.on || 'no host'}, ${failed.error}` : ''
}

/** What runs, in a sentence. */
export function releaseOn(view: View): string {
  const releases = [...new Set(serving(view).map(({ release }) => release))]
  const under = view.service?.update === 'updating' ? ', and a rollout is under way' : ''
  return `release ${list(releases) || 'none'}${under}`
}

function screen({ view, here, history }: Shown): string {
  const last = history.at(-1)
  return [
    releaseOn(view),
    ...(last ? ['', historyTable([last])] : []),
    '',
    tableOf(hostRows(view, here)),
    '',
    tableOf(replicaRows(view, here)),
  ].join('\n')
}
