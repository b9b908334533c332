/** Fresh replicas that will never get ready: given up as soon as that is certain, and told why. */

import { OperatorError, withoutPasswords } from '../cli/errors.mts'
import { Overdue } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { listenersOf } from '../host/listener.mts'
import { bash } from '../host/shell.mts'
import { isMisplaced, NotReady, reasonOf, type Seen } from '../stack/diagnosis.mts'
import { lastLog, type Replica, replicas } from './replica.mts'

/** A replica that died so often is broken; once may be the moment when its database was not there yet. */
const MAX_CRASHES = 2
/** Milliseconds until one that runs is asked where it listens: most have begun to by then. */
const TIME_TO_BIND = 5000
/** Milliseconds for which what may pass has to last. */
const LASTING = 3000

export interface Late {
  one: Replica
  /** What it answered last, as people read it. */
  answered: string
}

export class NeverReady {
  /** Since when each was seen in a state that may pass. */
  readonly #since = new Map<string, number>()

  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
  ) {}

  /**
   * Looks at replicas that answer nothing; notes new addresses.
   * @throws NotReady when waiting for one is in vain, OperatorError when somebody took it away
   */
  async check(silent: Replica[]): Promise<void> {
    if (silent.length === 0) return
    const found = await replicas(this.host, this.stack)
    for (const one of silent) {
      const now = found.find(({ id }) => id === one.id)
      if (!now) throw new OperatorError(`${one.name} is gone: somebody removed it`)
      one.address = now.address
      if (!now.running && this.#lasts(now.id, true))
        throw new OperatorError(`${now.name} was stopped by somebody (exit code ${now.exitCode})`)
      // Looked at once more: what it was given up for may just have passed.
      const reason = (await this.#inVain(now)) && (await this.#reason(now, 'nothing'))
      if (reason) throw reason
    }
  }

  /** The reason for which they did not get ready in time. @param failure what ended the waiting; if not that, it is told */
  async explain(failure: Error, late: Late[]): Promise<Error> {
    if (!(failure instanceof Overdue)) return failure
    const found = await replicas(this.host, this.stack)
    for (const { one, answered } of late) {
      const now = found.find(({ id }) => id === one.id)
      const reason = now && (await this.#reason(now, answered))
      if (reason) return reason
    }
    return new NotReady(failure.message, LONGER)
  }

  async #inVain(one: Replica): Promise<boolean> {
    if (one.restarts >= MAX_CRASHES) return true
    if (!one.running || one.age < TIME_TO_BIND) return false
    return this.#lasts(one.id, isMisplaced({ ...one, listeners: await listenersOf(this.host, one.id) }))
  }

  /** Whether it has been so for a while, look after look. */
  #lasts(id: string, so: boolean): boolean {
    if (!so) this.#since.delete(id)
    else if (!this.#since.has(id)) this.#since.set(id, performance.now())
    return performance.now() - (this.#since.get(id) ?? Number.POSITIVE_INFINITY) >= LASTING
  }

  async #reason(one: Replica, answered: string): Promise<NotReady | undefined> {
    const { host } = this
    const [listeners, end] = await Promise.all([listenersOf(host, one.id), endOf(host, one.id)])
    return reasonOf({ ...one, ...end, listeners, answered, crashes: one.restarts >= MAX_CRASHES })
  }
}

/** How a container ended the last time, and the last lines of its log. While it runs again, its state holds no exit code. */
async function endOf(host: Host, id: string): Promise<Pick<Seen, 'exitCode' | 'outOfMemory' | 'log'>> {
  const output = await host.run(
    'Reading the last lines of a replica',
    bash`
docker inspect --format '{{.State.OOMKilled}}' ${id}
docker events --since 10m --until "$(date +%s.%N)" --filter container=${id} --filter event=die \
  --format '{{index .Actor.Attributes "exitCode"}}' | tail -n 1 | grep . || echo
${lastLog(id, 100)}`,
  )
  const [memory, exitCode, ...log] = output.split('\n')
  return {
    outOfMemory: memory === 'true',
    exitCode: exitCode ? Number(exitCode) : undefined,
    log: withoutPasswords(log.join('\n')),
  }
}

const LONGER = 'Mend the application, or give it longer (rollout.ready_timeout)'
