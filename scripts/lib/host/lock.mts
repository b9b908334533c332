/** One change of a server at a time: a lock there, held by a session that ends with its holder. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { OperatorError } from '../cli/errors.mts'
import { warn } from '../cli/say.mts'
import { who } from '../cli/who.mts'
import type { StackConfig } from '../config/config.mts'
import { linesOf, unframed } from './frame.mts'
import type { Host } from './host.mts'
import type { Running } from './process.mts'
import { bash, join, remote, type Script } from './shell.mts'

/** Seconds. A holder that is silent for so long is gone: its laptop was closed or its line is cut. */
const SILENCE = 20

/** Signs of life in that time: many, since a busy machine may keep us from some of them. */
const BEATS = 10

/** Seconds for which a holder that is just ending is waited for. */
const PATIENCE = 1

/** Seconds. The longest single step, a build, and some. */
const STEP_DEADLINE = 1260

/**
 * For the head of a script that must not run at the same time as others of the same holder.
 * @param noun   what it changes
 * @param shared whether other scripts that say so may change the same at the same time
 */
export function move(stack: StackConfig, noun: 'nginx' | 'replicas', shared = false): Script {
  const kind = shared ? '--shared' : '--exclusive'
  return bash`exec 7>>${`${stack.folder}/lock.${noun}`}; flock ${kind} 7`
}

/**
 * `take`, for a script on the server: it becomes the holder. What it prints is said in remote/lock.sh.
 * @param holder   as the ones who wait read it, in bash: WHO since WHEN for WHAT
 * @param token    in bash, too
 * @param patience seconds to wait for the holder of now
 */
export function taking(stack: StackConfig, holder: Script, token: Script, patience: number): Script {
  const { folder } = stack
  return join([
    bash`holder=${holder} token=${token}`,
    remote('lock', { folder, patience, overdue: STEP_DEADLINE }),
  ])
}

/**
 * Does the work while holding the lock; within work that holds it already, it is that same lock. It is a flock(2) of a
 * process on the server, so two laptops exclude each other, and it is free again as soon as that process ends, whichever
 * way ours ended. The host's scripts are refused by the server from the moment when the lock is lost (fence.mts).
 * @param purpose who waits reads this: `redeploy`
 * @param silence seconds without a sign of life after which the lock is lost
 * @throws OperatorError telling who holds it, since when and for what; LockLost
 */
export async function withLock<T>(
  host: Host,
  stack: StackConfig,
  purpose: string,
  work: () => Promise<T>,
  silence = SILENCE,
): Promise<T> {
  if (host.fence) return await work()
  const token = randomUUID()
  const holder = `${who()}@${hostname()} since ${new Date().toISOString().slice(0, 19)}Z for ${purpose}`
  const session = await host.session(
    join([taking(stack, bash`${holder}`, bash`${token}`, PATIENCE), keeping(silence)]),
  )
  const ended = once(session, 'exit')
  const heartbeat = setInterval(() => session.stdin.write(`${host.doing()}\n`), (silence * 1000) / BEATS)
  try {
    await untilTaken(session)
    host.fence = { folder: stack.folder, token, holder }
    await host.run('Removing what a killed run left', leftovers(stack))
    return await work()
  } finally {
    host.fence = undefined
    clearInterval(heartbeat)
    session.stdin.end()
    await ended
  }
}

/**
 * Takes the lock and keeps it until the input ends or is silent for so long. Who was silent has lost it, also when nobody
 * else wants it.
 */
const keeping = (silence: number): Script => bash`
linger() { read -r -t 1 || [ $? -gt 128 ]; } # the end of the input is that of whoever wanted the lock
take || exit 0
echo taken
rm -f lock.step
while read -r -t ${silence} step; do echo "$step" >lock.step; done
rm -f lock.step lock.token`

/** @throws OperatorError when the lock is somebody else's */
async function untilTaken({ stdout, stderr }: Running): Promise<void> {
  let said = ''
  stderr.on('data', (data) => {
    said += data
  })
  for await (const line of linesOf(stdout)) {
    const [, word, rest = ''] = /^(taken|held|waiting|stuck) ?(.*)$/.exec(line) ?? []
    if (word === 'taken') return
    if (word === 'waiting')
      warn(`A step of a run that was cut off (${rest}) is still under way: waiting for its end.`)
    else if (word) throw word === 'held' ? held(rest) : stuck(rest)
  }
  throw new OperatorError(
    `The lock could not be taken: ${unframed(said).text.trim() || 'no answer'}`,
    'Run it again.',
    UNTOUCHED,
  )
}

const UNTOUCHED = 'nothing was changed.'

const held = (holder: string) =>
  new OperatorError(
    `Another run is under way: ${holder}`,
    'Wait until it is done, then the same command again; the lock is free as soon as its holder is gone.',
    UNTOUCHED,
  )

function stuck(said: string): OperatorError {
  const [pids, ...holder] = said.split(' ')
  return new OperatorError(
    `A step of a run that was cut off (${holder.join(' ')}) has not ended within ${STEP_DEADLINE / 60} minutes`,
    `See what it is, on the server: ps -f -p ${pids}. End it by kill, then the same command again.`,
    UNTOUCHED,
  )
}

/**
 * Nothing of an earlier run is under way any more: its one-off containers are nobody's. Those that a person is in
 * (npm run run) have a label, and stay.
 */
const leftovers = ({ project }: StackConfig): Script => bash`
command -v docker >/dev/null || exit 0
docker ps -a --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.oneoff=True \
  --format '{{.ID}}{{.Label "prusa.person"}}' | grep -xE '[0-9a-f]+' |
  xargs -r docker rm -f >/dev/null 2>&1 || true # the engine may not run yet`
