/** What a replica is asked: itself, never through the load balancer. Its status code alone decides nothing. */
import { EventEmitter, once } from 'node:events'
import type { StackConfig } from './config.mts'
import { Doubts, type Late } from './hopeless.mts'
import type { Host } from './host.mts'
import { namesOf, type Replica, replicas } from './replica.mts'
import { bash } from './shell.mts'
import { waitUntil } from './wait.mts'

/** What a replica answered; status 0: nothing. */
export interface Answer {
  status: number
  body: string
}

const NOTHING: Answer = { status: 0, body: '' }

/** Waits until each answers /status with 200 and OK; gives up on one as soon as waiting is in vain. @throws NotReady */
export async function untilReady(host: Host, stack: StackConfig, fresh: Replica[]): Promise<void> {
  const doubts = new Doubts(host, stack)
  let late: Late[] = []
  const looking = waitUntil(`${namesOf(fresh)} ready`, stack.rollout.ready_timeout, async () => {
    const answers = await ask(host, fresh, '/status', 'OK')
    const all = fresh.map((one, index) => ({ one, answer: answers[index] ?? NOTHING }))
    late = all.flatMap(({ one, answer }) => (says(answer, 'OK') ? [] : [{ one, answered: shown(answer) }]))
    await doubts.check(all.flatMap(({ one, answer }) => (answer.status === 0 ? [one] : [])))
    return late.map(({ one, answered }) => `${one.name} answers ${answered}`).join(', ')
  })
  await looking.catch(async (error) => {
    throw await doubts.explain(error, late)
  })
}

/**
 * Asks replicas to prepare; returns those to wait for. What they answer is not judged, since whether they may be stopped
 * they say at /ready-for-deploy. But one that is warming up says `Not ready` to everything and does not prepare: it has
 * been asked nothing yet, and has nothing to complete.
 */
async function askToPrepare(host: Host, list: Replica[]): Promise<Replica[]> {
  const answers = await ask(host, list, '/prepare-for-deploy')
  return list.filter((_, index) => !(answers[index]?.status === 404 && answers[index]?.body === 'Not ready'))
}

/**
 * Asks old replicas to prepare, and waits until they say that they may be stopped: 200 and Ready. One that does not run
 * or is still warming up needs no waiting.
 * @param recall ends the waiting: a promise that is not kept yet is broken
 * @returns a promise for each, in order, since they say so at different times: whether it said Ready
 */
export function drains(
  host: Host,
  stack: StackConfig,
  old: Replica[],
  recall: AbortSignal,
): Promise<boolean>[] {
  const said = new EventEmitter()
  let asked: Replica[] | undefined
  const all = waitUntil(`${namesOf(old)} drained`, stack.rollout.drain_timeout, async () => {
    asked ??= await askToPrepare(host, old)
    const answers = await ask(host, asked, '/ready-for-deploy', 'Ready')
    const ready = asked.filter((_, index) => says(answers[index], 'Ready')).map(({ id }) => id)
    asked = await undrained(host, stack, asked, answers)
    for (const { id } of old) if (!asked.some((one) => one.id === id)) said.emit(id, ready.includes(id))
    recall.throwIfAborted()
    return asked.length > 0 ? answers.map(shown).join(', ') : undefined
  })
  return old.map(({ id }) =>
    Promise.race([once(said, id).then(([ready]) => ready as boolean), all.then(() => false)]),
  )
}

/** Those of the replicas that have not said Ready, as they are now. */
async function undrained(
  host: Host,
  stack: StackConfig,
  asked: Replica[],
  answers: Answer[],
): Promise<Replica[]> {
  const waiting = asked.filter((_, index) => !says(answers[index], 'Ready'))
  const silent = asked.filter((_, index) => answers[index]?.status === 0)
  if (silent.length === 0) return waiting
  // One that crashed and was restarted has another address and has forgotten that it was asked.
  const running = await refreshed(host, stack, waiting)
  const anew = await askToPrepare(
    host,
    running.filter(({ id }) => silent.some((one) => one.id === id)),
  )
  return running.filter((one) => anew.includes(one) || !silent.some(({ id }) => id === one.id))
}

/** Those of the replicas that run, as they are now. */
async function refreshed(host: Host, stack: StackConfig, list: Replica[]): Promise<Replica[]> {
  const ids = new Set(list.map(({ id }) => id))
  return (await replicas(host, stack)).filter(({ id, running }) => running && ids.has(id))
}

/** Milliseconds between two questions to a replica, where it is one of so many: each costs the server a process. */
const apart = (replicas: number) => 100 * Math.max(1, replicas / 4)

/** Milliseconds for which the server itself asks before it reports what it saw. */
const SLICE = 1000

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
exec {never}<> <(:) # nothing ever comes from it, so that reading it is a pause that costs no process
end=$((\${EPOCHREALTIME/./} + ${SLICE * 1000})) # microseconds
ask() { # INDEX URL
  local answer
  while true; do
    answer=$(curl -sS --noproxy '*' --max-time 5 -w '\t%{http_code}' "$2" 2>/dev/null || true)
    answer=\${answer//$'\n'/ }
    if ${word === undefined} || [[ $answer =~ ^${word ?? ''}' '?$'\t'200$ ]] || ((\${EPOCHREALTIME/./} >= end)); then break; fi
    read -rt ${apart(list.length) / 1000} -u $never || true
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
