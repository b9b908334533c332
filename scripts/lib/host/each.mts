/** Several hosts: whether they answer, and the same work on each. */
import { prefixed } from '../cli/say.mts'
import type { Host } from './host.mts'
import { bash } from './shell.mts'

/**
 * Each line of progress begins with the host's name, unless there is one host only. If the work fails on one host, the
 * others are still waited for.
 */
export async function onEach<T>(hosts: readonly Host[], work: (host: Host) => Promise<T>): Promise<T[]> {
  const [only, more] = hosts
  if (only && !more) return [await work(only)]
  const all = hosts.map((host) => prefixed(host.name, () => work(host)))
  await Promise.allSettled(all)
  return await Promise.all(all)
}

/** The same, one host after the other: so clients always find another host that answers. */
export async function oneByOne(hosts: readonly Host[], work: (host: Host) => Promise<void>): Promise<void> {
  for (const host of hosts) await (hosts.length > 1 ? prefixed(host.name, () => work(host)) : work(host))
}

/** Why a host does not answer; empty: it does. */
export const silenceOf = (host: Host): Promise<string> =>
  host.attempt(bash`true`).then(
    () => '',
    ({ message }: Error) => message,
  )
