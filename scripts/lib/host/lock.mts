/** The lock that allows one run at a time to change a server. A session that ends with its run holds it there. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import { warn } from '../cli/say.mts'
import { who } from '../cli/who.mts'
import type { StackConfig } from '../config/config.mts'
import type { Fence } from './fence.mts'
import { linesOf, unframed } from './frame.mts'
import type { Host } from './host.mts'
import type { Running } from './process.mts'
import { answering, guardMajority } from './quorum.mts'
import { bash, join, remote, type Script } from './shell.mts'

/** Seconds without a sign of life after which a holder loses the lock: its laptop is closed or its connection is cut. */
const SILENCE = 20

/** Signs of life in that time: several, since a busy machine may delay some of them. */
const BEATS = 10

/** Milliseconds between two checks of what the run is doing, so that npm run status shows it at once. */
const GLANCE = 100

/** Seconds to wait for a holder that may just be ending. */
const PATIENCE = 1

/** Seconds to wait for the last step of an interrupted run: more than the longest step, a build, may take. */
const STEP_DEADLINE = 1260

/**
 * The first line of a script that must not run at the same time as another script of the same run.
 * @param changed what the script changes
 * @param shared  whether it may run at the same time as other scripts with `shared`
 */
export function mutex(stack: StackConfig, changed: 'nginx' | 'replicas', shared = false): Script {
  const kind = shared ? '--shared' : '--exclusive'
  return bash`exec 7>>${`${stack.folder}/lock.${changed}`}; flock ${kind} 7`
}

/**
 * The function `take` for a script on the server, which makes the script the holder. remote/lock.sh says what it prints.
 * @param holder   a word of bash: the holder for those who wait, as WHO since WHEN for WHAT
 * @param token    a word of bash
 * @param patience seconds to wait for the present holder
 */
export function taking(stack: StackConfig, holder: Script, token: Script, patience: number): Script {
  const { folder } = stack
  return join([
    bash`holder=${holder} token=${token}`,
    remote('lock', { folder, patience, overdue: STEP_DEADLINE }),
  ])
}

/**
 * Does the work under the lock. Work within such work has the same lock. A process on the server holds the lock by
 * flock(2), so two laptops exclude each other. That process ends when ours ends, however that happens, and frees the lock.
 * Once the lock is lost, the server refuses the scripts of this run (fence.mts).
 *
 * With several hosts, the lock is on more than half of the managers (Host.quorum): any two runs meet at one of them, also
 * when each reaches only some.
 * @param purpose what the lock is for, for those who wait: `redeploy`
 * @param silence seconds without a sign of life after which the lock is lost
 * @throws OperatorError when another run holds the lock, with who, since when and for what; LockLost
 */
export async function withLock<T>(
  host: Host,
  stack: StackConfig,
  purpose: string,
  work: () => Promise<T>,
  silence = SILENCE,
): Promise<T> {
  if (host.fence) return await work()
  const holder = `${who()}@${hostname()} since ${new Date().toISOString().slice(0, 19)}Z for ${purpose}`
  const fence = { folder: stack.folder, token: randomUUID(), holder }
  const { hosts, taken } = host.quorum ?? { hosts: [host], taken: async () => {} }
  const held = new Map<Host, Held>()
  try {
    const there = await answering(hosts)
    for (const one of there) held.set(one, await hold(one, fence, () => host.doing(), stack, silence))
    for (const one of there) one.fence = fence
    if (hosts.length > 1)
      guardMajority(
        hosts,
        [...held.values()].map(({ session }) => session),
        fence,
      )
    await host.run('Removing what a killed run left', leftovers(stack))
    await taken(host, there)
    return await work()
  } finally {
    for (const one of hosts) one.fence = undefined
    await Promise.all([...held.values()].map((one) => one.end()))
  }
}

/** A lock on one host. */
interface Held {
  session: Running
  /** Frees it. */
  end(): Promise<void>
}

async function hold(
  host: Host,
  { token, holder }: Fence,
  doing: () => string,
  stack: StackConfig,
  silence: number,
): Promise<Held> {
  const session = await host.session(
    join([taking(stack, bash`${holder}`, bash`${token}`, PATIENCE), keeping(silence)]),
  )
  const ended = once(session, 'exit')
  const heartbeat = beat(session, doing, (silence * 1000) / BEATS)
  const end = async () => {
    clearInterval(heartbeat)
    session.stdin.end()
    await ended
  }
  try {
    await untilTaken(session)
    return { session, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Sends the server what the run is doing: when that changes, and as a sign of life. @param interval milliseconds between two */
function beat({ stdin }: Running, doing: () => string, interval: number): NodeJS.Timeout {
  let [told, at] = ['', performance.now()]
  return setInterval(() => {
    const now = doing()
    if (now === told && performance.now() < at + interval) return
    stdin.write(`${now}\n`)
    told = now
    at = performance.now()
  }, GLANCE)
}

/**
 * Takes the lock and keeps it until the input ends, or until no line comes for `silence` seconds. Then the lock is lost,
 * also when no other run wants it.
 */
const keeping = (silence: number): Script => bash`
linger() { read -r -t 1 || [ $? -gt 128 ]; } # false once the input has ended: the run that wanted the lock is gone
take || exit 0
echo taken; rm -f lock.steps
while read -r -t ${silence} step; do
  [ "$step" = "\${last-}" ] || echo "$((\${EPOCHREALTIME/./} / 1000)) $step" >>lock.steps
  last=$step
done
rm -f lock.steps lock.token`

/** Waits until the session has the lock. @throws OperatorError when it does not get it */
async function untilTaken({ stdout, stderr }: Running): Promise<void> {
  let said = ''
  stderr.on('data', (data) => {
    said += data
  })
  for await (const line of linesOf(stdout)) {
    const [, word, rest = ''] = /^(taken|held|waiting|stuck) ?(.*)$/.exec(line) ?? []
    if (word === 'taken') return
    if (word === 'waiting')
      warn(`A step of an interrupted run (${rest}) is still under way: waiting until it ends.`)
    else if (word) throw word === 'held' ? held(rest) : stuck(rest)
  }
  throw new OperatorError(
    `The lock could not be taken: ${unframed(said).text.trim() || 'no answer'}`,
    'Run the same command again.',
    NOTHING_CHANGED,
  )
}

const held = (holder: string) =>
  new OperatorError(
    `Another run is under way: ${holder}`,
    'Wait until it has ended, then run the same command again. The lock is free as soon as that run ends.',
    NOTHING_CHANGED,
  )

function stuck(said: string): OperatorError {
  const [pids, ...holder] = said.split(' ')
  return new OperatorError(
    `A step of an interrupted run (${holder.join(' ')}) has not ended within ${STEP_DEADLINE / 60} minutes`,
    `See on the server what it is: ps -f -p ${pids}. End it by kill, then run the same command again.`,
    NOTHING_CHANGED,
  )
}

/**
 * Removes the one-off containers of earlier runs, none of which is under way any more. A container of npm run run has a
 * label, and stays: a person uses it.
 */
const leftovers = ({ project }: StackConfig): Script => bash`
command -v docker >/dev/null || exit 0
docker ps -a --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.oneoff=True \
  --format '{{.ID}}{{.Label "prusa.person"}}' | grep -xE '[0-9a-f]+' |
  xargs -r docker rm -f >/dev/null 2>&1 || true # the engine may not run yet`
