/** What a replica is asked: itself, never through the load balancer. Its status code alone decides nothing. */
import type { StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import type { Host } from './host.mts'
import { namesOf, type Replica, replicas } from './replica.mts'
import { bash } from './shell.mts'
import { waitUntil } from './wait.mts'

/** What a replica answered; status 0: nothing. */
export interface Answer {
  status: number
  body: string
}

/** Waits until each answers /status with 200 and OK; gives up on one that keeps crashing. */
export async function untilReady(host: Host, stack: StackConfig, fresh: Replica[]): Promise<void> {
  await waitUntil(`${namesOf(fresh)} ready`, stack.rollout.ready_timeout, async () => {
    const answers = await ask(host, fresh, '/status', 'OK')
    const waiting = fresh.filter((_, index) => !says(answers[index], 'OK'))
    if (waiting.length === 0) return
    if (answers.some(({ status }) => status === 0)) await refuseCrashed(host, stack, fresh)
    return `${namesOf(waiting)} answers ${answers.map(shown).join(', ')}`
  })
}

/** Asks old replicas to prepare. What they answer is not judged: whether they may be stopped, they say at /ready-for-deploy. */
export async function askToPrepare(host: Host, old: Replica[]): Promise<void> {
  await ask(host, old, '/prepare-for-deploy')
}

/** Waits until each says that it may be stopped: 200 and Ready. A replica that does not run needs no waiting. */
export async function untilDrained(host: Host, stack: StackConfig, old: Replica[]): Promise<void> {
  let asked = old
  await waitUntil(`${namesOf(old)} drained`, stack.rollout.drain_timeout, async () => {
    const answers = await ask(host, asked, '/ready-for-deploy', 'Ready')
    const waiting = asked.filter((_, index) => !says(answers[index], 'Ready'))
    const silent = asked.filter((_, index) => answers[index]?.status === 0)
    if (silent.length > 0) {
      // One that crashed and was restarted has another address and has forgotten that it was asked.
      const running = await refreshed(host, stack, waiting)
      await askToPrepare(
        host,
        running.filter(({ id }) => silent.some((one) => one.id === id)),
      )
      asked = running
    } else asked = waiting
    return asked.length > 0 ? answers.map(shown).join(', ') : undefined
  })
}

/** Those of the replicas that run, as they are now. */
async function refreshed(host: Host, stack: StackConfig, list: Replica[]): Promise<Replica[]> {
  const ids = new Set(list.map(({ id }) => id))
  return (await replicas(host, stack)).filter(({ id, running }) => running && ids.has(id))
}

/** How often, and how many milliseconds apart, the server itself asks before it reports what it saw. */
const [TRIES, APART] = [10, 100]

/** Seconds after which it reports all the same: a replica that hangs answers nothing for the whole of curl's time. */
const SLICE = 3

/**
 * Asks the replicas themselves, at once, never through the load balancer; an answer each, in order.
 * @param word asks those again for a while that do not say it: on the server, where a question costs one process; a
 *             script sent there for each costs several, and over ssh a round trip
 */
async function ask(host: Host, list: Replica[], path: string, word?: string): Promise<Answer[]> {
  if (list.length === 0) return []
  const urls = list.map(({ address }) => (address ? `http://${address}:5000${path}` : 'http://0.0.0.0:1/'))
  const output = await host.run(
    `Asking ${namesOf(list)} for ${path}`,
    bash`
ask() { # INDEX URL
  local answer try
  for ((try = 1; try <= ${word ? TRIES : 1} && SECONDS < ${SLICE}; try++)); do
    [ $try = 1 ] || sleep ${APART / 1000}
    answer=$(curl -sS --noproxy '*' --max-time 5 -w '\t%{http_code}' "$2" 2>/dev/null | tr '\n' ' ' || true)
    [[ ! $answer =~ ^${word ?? ''}' '?$'\t'200$ ]] || break
  done
  printf '%s\t%s\n' "$1" "$answer"
}
index=0
for url in ${urls}; do
  ask $index "$url" &
  index=$((index + 1))
done
wait`,
  )
  const lines = output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
  return list.map((_, index) => {
    const line = lines.find(([number]) => number === String(index)) ?? []
    return { status: Number(line.at(-1)) || 0, body: line.slice(1, -1).join(' ').trim() }
  })
}

function says(answer: Answer | undefined, word: string): boolean {
  return answer?.status === 200 && answer.body === word
}

function shown({ status, body }: Answer): string {
  return status === 0 ? 'nothing' : `${status} “${body.slice(0, 60)}”`
}

async function refuseCrashed(host: Host, stack: StackConfig, fresh: Replica[]): Promise<void> {
  const now = await replicas(host, stack)
  for (const one of fresh) {
    const { restarts = 0, running = false, address = '' } = now.find(({ id }) => id === one.id) ?? {}
    if (restarts >= MAX_CRASHES || !running) throw new OperatorError(`${one.name} crashes`)
    one.address = address
  }
}

/** A fresh replica that died so often is broken; once may be the moment when its database was not there yet. */
const MAX_CRASHES = 2
