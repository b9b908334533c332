/** The hosts that a run works with: those that answer, and have what it needs. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { warn } from '../cli/say.mts'
import { silenceOf } from '../host/each.mts'
import type { Host } from '../host/host.mts'

/**
 * What a script needs of the hosts:
 * `any`      one of them
 * `data`     the one with the data
 * `each`     each of them: it leaves out what is out of reach, and says so
 * `setup`    the one with the data. The script may change how many hosts serve
 * `removal`  the one with the data, and each other one that can be reached. `--host` may name one of several
 */
export type Needs = 'any' | 'data' | 'each' | 'setup' | 'removal'

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
  if (needs === 'each' || needs === 'removal') {
    await chooseEach(all, run)
    if (needs === 'removal') requireData(all, run.host, what)
    return
  }
  const silent: string[] = []
  for (const host of all) {
    const reason = await silenceOf(host)
    if (!reason) {
      run.host = host
      if (silent.length > 0) warn(`${silent.join('; ')}. This run works with ${host.name}.`)
      if (needs !== 'any') requireData(all, host, what)
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
