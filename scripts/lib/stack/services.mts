/** Services and containers by the names that people type. */
import { NOTHING_CHANGED, OperatorError, WrongCall } from '../cli/errors.mts'
import { nearest } from '../cli/nearest.mts'
import { list } from '../cli/say.mts'
import { isSwarm, type StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { onTerminal } from '../host/process.mts'
import { bash, type Script } from '../host/shell.mts'
import type { Single } from './stack.mts'

export const SERVICES = ['app', 'balancer', 'db', 'dbport', 'lb', 'redis'] as const

export type Service = 'app' | Single

/** Services that run on the host with the data, also where there are several hosts. */
const WITH_DATA: readonly Service[] = ['db', 'dbport', 'redis']

/** The services that Compose runs on one of several hosts. @param data whether it holds the data */
export const servicesOn = (data: boolean): readonly Service[] =>
  SERVICES.filter((service) => service !== 'app' && (data || !WITH_DATA.includes(service)))

/** A service, or one replica of the service `app`. */
export interface Named {
  service: Service
  /** Name of the container; empty: any replica. */
  container: string
}

/**
 * The meaning of `lb`, `app`, `app-3` or `prusa-app-3`. With several hosts, a replica is called `app.3`.
 * @throws WrongCall with the nearest name for any other word
 */
export function named(stack: StackConfig, word: string): Named {
  const own = word.startsWith(`${stack.project}-`) ? word.slice(stack.project.length + 1) : word
  const service = SERVICES.find((one) => one === own || (one !== 'app' && `${one}-1` === own))
  if (service) return { service, container: service === 'app' ? '' : `${stack.project}-${service}-1` }
  const swarm = isSwarm(stack)
  const [, number] = (swarm ? /^app[.-](\d+)$/ : /^app-(\d+)$/).exec(own) ?? []
  if (number) return { service: 'app', container: swarm ? `app.${number}` : `${stack.project}-app-${number}` }
  throw new WrongCall(
    `There is no service “${word}”; the nearest is “${nearest(own, [...SERVICES, ...(swarm ? stack.hosts : [])])}”`,
    `One of ${list([...SERVICES])}, or a replica such as ${swarm ? 'app.1, or a host' : 'app-1'}.`,
  )
}

/**
 * Tells the names of hosts from other words of a call.
 * @param all   every host of the deployment
 * @param among those that answer
 * @returns the hosts that are named, or all that answer if none is; and the other words
 * @throws OperatorError when one that is named does not answer
 */
export function chosenHosts(words: readonly string[], all: readonly string[], among: readonly Host[]) {
  const named = words.filter((word) => all.length > 1 && all.includes(word))
  const lost = named.find((name) => !among.some(({ address }) => address === name))
  if (lost) throw new OperatorError(`${lost} does not answer`, 'npm run status', NOTHING_CHANGED)
  return {
    hosts: named.length > 0 ? among.filter(({ address }) => named.includes(address)) : [...among],
    words: words.filter((word) => !named.includes(word)),
  }
}

/**
 * The service or the replica that a call names, and its hosts: those that are named, else all that may have it.
 * @param among the hosts that answer
 * @throws WrongCall for a word too many; OperatorError when its host does not answer
 */
export function placed(stack: StackConfig, words: readonly string[], among: readonly Host[]) {
  const { hosts, words: others } = chosenHosts(words, stack.hosts, among)
  const [word = 'app', more] = others
  if (more) throw new WrongCall(`“${more}” was not expected`)
  const one = named(stack, word)
  if (!isSwarm(stack) || others.length < words.length || !WITH_DATA.includes(one.service))
    return { ...one, hosts }
  const [data = ''] = stack.hosts
  const first = hosts.filter(({ address }) => address === data)
  if (first.length > 0) return { ...one, hosts: first }
  throw new OperatorError(
    `${one.service} runs on ${data}, which does not answer`,
    'npm run status shows what runs meanwhile.',
    NOTHING_CHANGED,
  )
}

export const nothingRuns = (hosts: readonly Host[], stack: StackConfig) =>
  new OperatorError(
    `No replica of ${stack.project} runs on ${list(hosts.map(({ name }) => name))}`,
    'npm run deploy, or npm run status to see what is there.',
    NOTHING_CHANGED,
  )

/** `docker exec` for a person, with a terminal if there is one. */
export const execInto = (): Script => bash`docker exec -i ${onTerminal() ? ['-t'] : []}`
