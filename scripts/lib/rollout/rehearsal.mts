/** What a fresh replica has to show before anyone is sent there: the probe's own page, as well as those of before. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { NotReady } from '../stack/diagnosis.mts'
import type { Replica } from './replica.mts'

/** How often each is asked: once for each of a few processes that it may have. */
const TIMES = 5

/** @throws NotReady when a fresh one fails more often than one of before does */
export async function rehearse(
  host: Host,
  stack: StackConfig,
  fresh: readonly Replica[],
  old: readonly Replica[],
): Promise<void> {
  const asked = [...fresh, ...old.slice(0, 1)]
  const answers = parseAnswers(await host.run(`Asking for ${stack.probe.path}`, script(stack, asked)))
  const [example] = old
  const usual = example ? failures(answers.get(example.address)) : 0
  for (const { name, address } of fresh) {
    const failed = failures(answers.get(address))
    if (failed <= usual) continue
    const shown = (answers.get(address) ?? []).map((status) => status || 'nothing').join(', ')
    const than = example ? ` (${example.name}: ${(answers.get(example.address) ?? []).join(', ')})` : ''
    throw new NotReady(
      `${name} answers ${stack.probe.path} by ${shown}${than}; nobody was sent there`,
      'Mend the application or its settings',
    )
  }
}

/** By address, the status of each answer; 0: none came. */
export function parseAnswers(output: string): Map<string, number[]> {
  const lines = output.split('\n').filter(Boolean)
  return new Map(
    lines.map((line) => {
      const [address = '', ...statuses] = line.split(' ')
      return [address, statuses.map(Number)]
    }),
  )
}

/** As the probe counts them. */
const failures = (statuses: number[] = []) =>
  TIMES - statuses.filter((status) => status > 0 && status < 400).length

function script(stack: StackConfig, asked: readonly Replica[]) {
  const { path: page, timeout } = stack.probe
  const addresses = asked.map(({ address }) => address).join(' ')
  return remote('rehearse', { addresses, page, timeout, times: TIMES, name: stack.domain || 'localhost' })
}
