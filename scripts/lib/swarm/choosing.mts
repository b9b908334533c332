/** The hosts that a run works with: those that answer, and have what it needs. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { warn } from '../cli/say.mts'
import { silenceOf } from '../host/each.mts'
import type { Host } from '../host/host.mts'

/**
 * What a script needs of several hosts: any of them, the one with the data, or each. Where it needs each, it leaves out what
 * is out of reach, and says so.
 */
export type Needs = 'any' | 'data' | 'each'

interface Choice {
  host: Host
  hosts: Host[]
}

/**
 * Makes the first host that answers the one that a run works with; where the run needs each, those that answer all of them.
 * @param all  the first one holds the data
 * @param what the script
 * @throws OperatorError when what it needs does not answer
 */
export async function choose(all: readonly Host[], run: Choice, what: string, needs: Needs): Promise<void> {
  if (needs === 'each') return await chooseEach(all, run)
  const silent: string[] = []
  for (const host of all) {
    const reason = await silenceOf(host)
    if (!reason) {
      run.host = host
      if (silent.length > 0) warn(`${silent.join('; ')}. This run works with ${host.name}.`)
      if (needs === 'data') requireData(all, host, what)
      return
    }
    silent.push(reason)
  }
  throw noneAnswers(silent)
}

async function chooseEach(all: readonly Host[], run: Choice): Promise<void> {
  const reasons = await Promise.all(all.map(silenceOf))
  const silent = reasons.filter(Boolean)
  const [first, ...more] = all.filter((_, index) => !reasons[index])
  if (!first) throw noneAnswers(silent)
  for (const reason of silent) warn(`${reason}. This run works without it.`)
  Object.assign(run, { host: first, hosts: [first, ...more] })
}

/**
 * @param all  the first one holds the data
 * @param host the first one that answers
 * @param what needs the data
 * @throws OperatorError unless it is the host with the data
 */
export function requireData([data]: readonly Host[], host: Host, what: string): void {
  if (!data || host === data) return
  throw new OperatorError(
    `${what} needs ${data.name}, which holds the database and does not answer`,
    `Bring ${data.name} back, then the same command again. npm run status shows what runs meanwhile.`,
    NOTHING_CHANGED,
  )
}

const noneAnswers = (silent: string[]) =>
  new OperatorError(
    `No host answers: ${silent.join('; ')}`,
    'Check names, ports and firewalls.',
    NOTHING_CHANGED,
  )
