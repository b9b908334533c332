/** What the server tells, for as long as a page is open; when it cannot be reached, it is tried again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import { linesOf } from '../host/frame.mts'
import { heldFunction } from '../host/held.mts'
import type { Host } from '../host/host.mts'
import { join, remote, remoteText, type Script } from '../host/shell.mts'
import { containerOf } from '../stack/stack.mts'
import { lookAtAll } from '../status/status.mts'
import { type Board, WINDOW } from './board.mts'
import type { Parts } from './parts.mts'

/** Milliseconds between two attempts to reach the server. */
export const RETRY = 2000
/** Milliseconds between two looks at everything, and after which the lock's changes are looked at. */
const INTERVAL = 10_000
const GLANCE = 1000
/** Milliseconds of silence after which the server counts as lost. */
const SILENCE = 15_000
/** Lines of the load balancer's log that are read of the time before. */
const LINES = 20_000

export interface Feed {
  /** What `npm run status` shows; absent: the board knows it. */
  readonly status?: Parts
  /** Fills the board until the signal ends it. */
  run(signal: AbortSignal): Promise<void>
}

/** Fills the board until the signal ends it. */
export async function feed(host: Host, board: Board, signal: AbortSignal): Promise<void> {
  await again(signal, RETRY, () =>
    connected(host, board, signal).catch((error: OperatorError) => {
      if (!signal.aborted) board.lose(error.message, error.next)
    }),
  )
}

/** Does the work again and again until the signal. @param pause milliseconds in between */
export async function again(signal: AbortSignal, pause: number, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work()
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
}

/** @throws OperatorError when the server is lost */
async function connected(host: Host, board: Board, signal: AbortSignal): Promise<void> {
  const { stack } = board
  board.takeFacts(await lookAtAll(host, stack))
  board.restart()
  const failed = new AbortController()
  const end = AbortSignal.any([signal, failed.signal])
  let look: string[] = []
  const takeLine = (line: string) => {
    if (line !== 'end') return look.push(line)
    board.takeLook(look)
    look = []
  }
  try {
    await Promise.race([
      listen(host, looking(stack), end, takeLine),
      listen(host, counting(stack), end, (line) => board.takeSecond(line)),
      keepUp(host, board, end),
    ])
  } finally {
    failed.abort()
  }
}

/** Takes what a script prints until the signal ends it. @throws OperatorError when it has ended by itself */
export async function listen(
  host: Host,
  script: Script,
  signal: AbortSignal,
  take: (line: string) => unknown,
): Promise<void> {
  const { stdin, stdout } = await host.session(script)
  const end = () => stdin.end()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  for await (const line of linesOf(stdout)) if (!signal.aborted) take(line)
  if (!signal.aborted) throw new OperatorError('The connection ended.')
}

/** Looks at everything now and then, and when somebody begins or ends to change the server. @throws OperatorError */
async function keepUp(host: Host, board: Board, signal: AbortSignal): Promise<void> {
  let [last, lock] = [Date.now(), board.facts?.lock]
  while (!signal.aborted) {
    await sleep(GLANCE, undefined, { signal }).catch(() => {})
    if (Date.now() - board.heard > SILENCE)
      throw new OperatorError(`It has said nothing for ${SILENCE / 1000} seconds.`)
    if (Date.now() - last < INTERVAL && lock === board.look?.lock) continue
    if (signal.aborted) return
    board.takeFacts(await lookAtAll(host, board.stack))
    last = Date.now()
    lock = board.look?.lock
  }
}

/** The script that looks at the replicas, once a second. */
export function looking(stack: StackConfig): Script {
  const { folder, project } = stack
  return join([heldFunction(stack), remote('look', { folder, project, balancer: remoteText('balancer.pl') })])
}

export const counting = (stack: StackConfig): Script =>
  remote('seconds', {
    container: containerOf(stack, 'lb'),
    since: WINDOW / 1000,
    lines: LINES,
    traffic: remoteText('traffic.pl'),
  })
