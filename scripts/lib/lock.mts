/** One rollout at a time: a lock on the server, held by a session that ends with its holder. */
import { hostname, userInfo } from 'node:os'
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import { linesOf } from './frame.mts'
import type { Host } from './host.mts'
import { bash, type Script } from './shell.mts'

/** Seconds. A holder that is silent for so long is gone: its laptop was closed or its line is cut. */
const SILENCE = 20

/** Seconds. The longest single step: stopping containers that take their whole grace period. */
const MOVE_DEADLINE = 90

/**
 * For the head of a script that changes something: whoever takes the lock after its rollout was killed waits for it.
 * @param noun   what it changes
 * @param shared whether other scripts that say so may change the same at the same time
 */
export function move(stack: StackConfig, noun: 'nginx' | 'replicas', shared = false): Script {
  const kind = shared ? '--shared' : '--exclusive'
  return bash`
exec 8>>${stack.folder}/lock.moves; flock --shared 8
exec 7>>${`${stack.folder}/lock.${noun}`}; flock ${kind} 7`
}

let held = false

/**
 * Does the work while holding the lock; within work that holds it already, it is that same lock. It is a flock(2) of a
 * process on the server, so two laptops exclude each other, and it is free again as soon as that process ends, whichever
 * way ours ended.
 * @param purpose who waits reads this: `release 1a2b3c`
 * @throws OperatorError telling who holds it, since when and for what
 */
export async function withLock<T>(
  host: Host,
  stack: StackConfig,
  purpose: string,
  work: () => Promise<T>,
): Promise<T> {
  if (held) return await work()
  const holder = `${userInfo().username}@${hostname()} since ${new Date().toISOString()} for ${purpose}`
  const session = host.session(bash`
mkdir -p -m 700 ${stack.folder}
exec 9>>${stack.folder}/lock
if ! flock -n 9; then cat ${stack.folder}/lock.holder; exit 9; fi
echo ${holder} >${stack.folder}/lock.holder
# A step of a killed rollout may still be under way: it is waited for.
exec 8>>${stack.folder}/lock.moves
flock -w ${MOVE_DEADLINE} 8
exec 8>&-
echo locked
while read -t ${SILENCE} -r; do :; done`)
  const [first, code] = await new Promise<[string, number | null]>((resolve) => {
    linesOf(session.stdout)
      .next()
      .then(({ value }) => value && resolve([value, null]))
    session.once('exit', (code) => resolve(['', code]))
  })
  if (first !== 'locked')
    throw new OperatorError(
      first ? `Another rollout is under way: ${first}` : `The lock could not be taken (exit code ${code})`,
      'Wait until it is done and run again; the lock is free as soon as its holder is gone.',
      'nothing was changed.',
    )
  const heartbeat = setInterval(() => session.stdin.write('\n'), (SILENCE * 1000) / 4)
  session.stdin.on('error', () => {})
  held = true
  try {
    return await work()
  } finally {
    held = false
    clearInterval(heartbeat)
    session.stdin.end()
  }
}
