/** What a fresh replica has to show before it gets requests: it answers the probe's page as well as an old one does. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { NotReady } from '../stack/diagnosis.mts'
import type { Replica } from './replica.mts'

/** How often each is asked. It may have a few processes, and not all of them may be good. */
const TIMES = 5

/** @throws NotReady if a fresh replica fails more often than an old one */
export async function rehearse(
  host: Host,
  stack: StackConfig,
  fresh: readonly Replica[],
  old: Replica,
): Promise<void> {
  const { path } = stack.probe
  const output = await host.run(`Asking for ${path}`, script(stack, [...fresh, old]))
  const answers = parseAnswers(output)
  const shown = ({ address }: Replica) =>
    (answers.get(address) ?? []).map((status) => status || 'nothing').join(', ')
  const usual = failures(answers.get(old.address))
  const worse = fresh.find(({ address }) => failures(answers.get(address)) > usual)
  if (!worse) return
  throw new NotReady(
    `${worse.name} answers ${path} with ${shown(worse)} (${old.name}: ${shown(old)}); it got no requests of users`,
    'Mend the application or its settings',
  )
}

/** The status of each answer, by the replica's address. Status 0: no answer. */
export function parseAnswers(output: string): Map<string, number[]> {
  const lines = output.split('\n').filter(Boolean)
  return new Map(
    lines.map((line) => {
      const [address = '', ...statuses] = line.split(' ')
      return [address, statuses.map(Number)]
    }),
  )
}

/** Counts failures as the probe does. */
const failures = (statuses: number[] = []) =>
  TIMES - statuses.filter((status) => status > 0 && status < 400).length

function script(stack: StackConfig, asked: readonly Replica[]) {
  const { path: page, timeout } = stack.probe
  const addresses = asked.map(({ address }) => address).join(' ')
  return remote('rehearse', { addresses, page, timeout, times: TIMES, name: stack.domain || 'localhost' })
}
