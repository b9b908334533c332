/** Fresh replicas that will never get ready: seen as early as that is certain, and why. */

import { OperatorError, withoutPasswords } from '../cli/errors.mts'
import { Overdue } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { type Listener, listenersOf } from '../host/listener.mts'
import { bash } from '../host/shell.mts'
import { isMisplaced, NotReady, PROCESS1_PORT, reasonOf, type Seen } from '../stack/diagnosis.mts'
import { lastLog, type Replica, replicas } from './replica.mts'

/** A replica that has crashed this often is broken. It may crash once because its database was not there yet. */
const MAX_CRASHES = 2
/** Milliseconds before a running replica is asked where it listens: most listen by then. */
const TIME_TO_BIND = 5000
/** Milliseconds: a state that may pass has to last this long. */
const LASTING = 3000

/** A replica that did not get ready in time. */
interface Late {
  one: Replica
  /** Its last answer, as people read it. */
  answered: string
}

export class NeverReady {
  /** Since when each replica is in a state that may pass, by its id. */
  readonly #since = new Map<string, number>()

  constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
  ) {}

  /**
   * Looks at replicas that answer nothing, and takes over their new addresses.
   * @throws NotReady if one will never get ready, OperatorError if somebody stopped or removed one
   */
  async check(silent: Replica[]): Promise<void> {
    if (silent.length === 0) return
    const found = await replicas(this.host, this.stack)
    for (const one of silent) {
      const now = found.find(({ id }) => id === one.id)
      if (!now) throw new OperatorError(`${one.name} is gone: somebody removed it`)
      one.address = now.address
      if (!now.running && this.#lasts(now.id, true))
        throw new OperatorError(`Somebody stopped ${now.name} (exit code ${now.exitCode})`)
      // #reason looks once more: the state may just have passed.
      const reason = (await this.#isHopeless(now)) && (await this.#reason(now, 'nothing'))
      if (reason) throw reason
    }
  }

  /** Why they did not get ready in time. @param failure what ended the waiting; returned as it is unless that was the time */
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

  async #isHopeless(one: Replica): Promise<boolean> {
    if (one.restarts >= MAX_CRASHES) return true
    if (!one.running || one.age < TIME_TO_BIND) return false
    return this.#lasts(one.id, isMisplaced({ ...one, listeners: await listening(this.host, one) }))
  }

  /** Whether each look of the last seconds has seen the state. */
  #lasts(id: string, seen: boolean): boolean {
    if (!seen) this.#since.delete(id)
    else if (!this.#since.has(id)) this.#since.set(id, performance.now())
    return performance.now() - (this.#since.get(id) ?? Number.POSITIVE_INFINITY) >= LASTING
  }

  async #reason(one: Replica, answered: string): Promise<NotReady | undefined> {
    const { host } = this
    const [listeners, end] = await Promise.all([listening(host, one), endOf(host, one.id)])
    return reasonOf({ ...one, ...end, listeners, answered, crashes: one.restarts >= MAX_CRASHES })
  }
}

/** Where the application listens. */
async function listening(host: Host, { id }: Replica): Promise<Listener[]> {
  return (await listenersOf(host, id)).filter(({ port }) => port !== PROCESS1_PORT)
}

/** How a container ended the last time, and the end of its log. If it runs again, its state does not tell: the events do. */
async function endOf(host: Host, id: string): Promise<Pick<Seen, 'exitCode' | 'outOfMemory' | 'log'>> {
  const output = await host.run(
    'Reading the last lines of a replica',
    bash`
events() { docker events --since 10m --until "$(date +%s.%N)" --filter container=${id} --filter "event=$1" --format "$2"; }
{ docker inspect --format '{{.State.OOMKilled}}' ${id}; events oom true; } | tail -n 1
events die '{{index .Actor.Attributes "exitCode"}}' | tail -n 1 | grep . || echo
${lastLog(id, 100)}`,
  )
  const [memory, exitCode, ...log] = output.split('\n')
  return {
    outOfMemory: memory === 'true',
    exitCode: exitCode ? Number(exitCode) : undefined,
    log: withoutPasswords(log.join('\n')),
  }
}

const LONGER = 'Correct the application, or give it longer (rollout.ready_timeout)'
