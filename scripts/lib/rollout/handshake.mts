/** What a replica is asked. It is asked itself, never through the load balancer, and its status code alone decides nothing. */
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Overdue, waitUntil } from '../cli/wait.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { BalancerState } from '../edge/balancer-state.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { PORT } from '../stack/diagnosis.mts'
import { NeverReady } from './never-ready.mts'
import { namesOf, type Replica, replicas } from './replica.mts'

/** What a replica answered. Status 0: nothing. */
interface Answer {
  status: number
  body: string
}

const NOTHING: Answer = { status: 0, body: '' }

/**
 * Waits until the balancer says that replicas are up, and each of them says OK itself. Stops waiting as soon as it is
 * certain that one will never get ready. @throws NotReady
 */
export async function untilReady(
  host: Host,
  stack: StackConfig,
  pool: BalancerState,
  fresh: Replica[],
): Promise<void> {
  const neverReady = new NeverReady(host, stack)
  let nextCheck = performance.now() + FIRST_CHECK
  const confirmed = new Set<Replica>()
  const isUp = ({ address }: Replica) => pool.at(address)?.up
  const late = () => fresh.filter((one) => !isUp(one) || !confirmed.has(one))
  const isSilent = ({ address }: Replica) => !ANSWERED.test(pool.at(address)?.why ?? '')
  const waiting = waitUntil(`${namesOf(fresh)} ready`, stack.rollout.ready_timeout, async () => {
    // A replica that is gone may have had this address, and the balancer may not have noticed yet.
    const reported = late().filter(isUp)
    const answers = await ask(host, reported, '/status')
    for (const [index, one] of reported.entries()) if (says(answers[index], 'OK')) confirmed.add(one)
    if (performance.now() >= nextCheck) {
      await neverReady.check(late().filter(isSilent))
      nextCheck = performance.now() + CHECKS
    }
    return late()
      .map(({ name, address }) => `${name}: ${pool.at(address)?.why ?? 'not found'}`)
      .join(', ')
  })
  await waiting.catch(async (error) => {
    const answers = await ask(host, late(), '/status')
    const answered = late().map((one, index) => ({ one, answered: shown(answers[index] ?? NOTHING) }))
    // People know the answer of /status. They do not know the balancer's words for it.
    const seen = answered.map(({ one, answered }) => `${one.name} answers ${answered}`).join(', ')
    const what = `${namesOf(fresh)} ready: not within ${stack.rollout.ready_timeout} s; last seen: ${seen}`
    throw await neverReady.explain(error instanceof Overdue ? new Overdue(what) : error, answered)
  })
}

/** Waits until each replica that no balancer knows yet says OK itself. @throws Overdue */
export async function untilOk(host: Host, stack: StackConfig, fresh: Replica[]): Promise<void> {
  await waitUntil(`${namesOf(fresh)} ready`, stack.rollout.ready_timeout, async () => {
    const answers = await ask(host, fresh, '/status')
    const late = fresh.filter((_, index) => !says(answers[index], 'OK'))
    return late.length > 0 ? answers.map(shown).join(', ') : undefined
  })
}

/** Milliseconds before silent replicas are looked at: most have begun to answer by then. */
const FIRST_CHECK = 2000
/** Milliseconds between two looks after that. */
const CHECKS = 1000
/** How the balancer's words begin for a replica that answered, but not with OK. */
const ANSWERED = /^answers /

/**
 * Asks replicas to prepare. Returns those to wait for. The answer is not judged: a replica says at /ready-for-deploy
 * whether it may be stopped. But one that is warming up answers `Not ready` to everything and does not prepare. It has
 * had no request, so it has nothing to complete.
 */
async function askToPrepare(host: Host, list: Replica[]): Promise<Replica[]> {
  const answers = await ask(host, list, '/prepare-for-deploy')
  return list.filter((_, index) => !(answers[index]?.status === 404 && answers[index]?.body === 'Not ready'))
}

/**
 * Asks old replicas to prepare, and waits until each says that it may be stopped: 200 and Ready. It does not wait for a
 * replica that stops running or is still warming up.
 * @param recall ends the waiting: promises that are still open are rejected
 * @returns a promise for each replica, in order: whether it said Ready. @throws Overdue
 */
export function prepareToStop(
  host: Host,
  stack: StackConfig,
  old: Replica[],
  recall: AbortSignal,
): Promise<boolean>[] {
  const said = new EventEmitter()
  let asked: Replica[] | undefined
  const all = waitUntil(`${namesOf(old)} drained`, stack.rollout.drain_timeout, async () => {
    asked ??= await askToPrepare(host, old)
    const ids = asked.map(({ id }) => id)
    for (const { id } of old) if (!ids.includes(id)) said.emit(id, false)
    const waiting = {
      word: 'Ready',
      seconds: Math.min(SLICE, stack.rollout.drain_timeout),
      heard: ({ id }: Replica) => said.emit(id, true),
      signal: recall,
    }
    const answers = await ask(host, asked, '/ready-for-deploy', waiting)
    recall.throwIfAborted()
    asked = await undrained(host, stack, asked, answers)
    return asked.length > 0 ? answers.map(shown).join(', ') : undefined
  })
  return old.map(({ id }) =>
    Promise.race([once(said, id).then(([ready]) => ready as boolean), all.then(() => false)]),
  )
}

/** The replicas that have not said Ready, as they are now. */
async function undrained(
  host: Host,
  stack: StackConfig,
  asked: Replica[],
  answers: Answer[],
): Promise<Replica[]> {
  const waiting = asked.filter((_, index) => !says(answers[index], 'Ready'))
  const silent = new Set(asked.filter((_, index) => answers[index]?.status === 0).map(({ id }) => id))
  if (silent.size === 0) return waiting
  const ids = waiting.map(({ id }) => id)
  const running = (await replicas(host, stack)).filter((one) => one.running && ids.includes(one.id))
  // A replica that crashed and was restarted has another address, and does not know that it was asked to prepare.
  const askedAgain = await askToPrepare(
    host,
    running.filter(({ id }) => silent.has(id)),
  )
  return running.filter((one) => askedAgain.includes(one) || !silent.has(one.id))
}

/** Seconds after which silent replicas are looked at: they may have been restarted. */
const SLICE = 5

interface Waiting {
  /** Replicas that do not say it are asked again. */
  word: string
  /** At most this long. */
  seconds: number
  /** Is told of each replica that says the word, at once. */
  heard: (one: Replica) => void
  /** Ends the waiting. */
  signal: AbortSignal
}

/** Asks all replicas at once. Returns an answer for each, in order. */
async function ask(host: Host, list: Replica[], path: string, waiting?: Waiting): Promise<Answer[]> {
  if (list.length === 0) return []
  const { word = '', seconds = 0, heard = () => {}, signal } = waiting ?? {}
  const places = list.map(({ address }) => (address ? `${address}:${PORT}` : '-'))
  const program = readFileSync(`${ROOT}/scripts/remote/replicas.pl`, 'utf8')
  const script = bash`perl -e ${program} ${path} ${seconds} ${word} ${places}`
  const answers = list.map(() => NOTHING)
  const hear = (line: string) => {
    const [number, status, body = ''] = line.split('\t')
    const answer = { status: Number(status), body }
    answers[Number(number)] = answer
    const one = list[Number(number)]
    if (one && says(answer, word)) heard(one)
  }
  await host.attempt(script, { tied: true, hear, signal })
  return answers
}

function says(answer: Answer | undefined, word: string): boolean {
  return answer?.status === 200 && answer.body === word
}

function shown({ status, body }: Answer): string {
  return status === 0 ? 'nothing' : `${status} “${body.slice(0, 60)}”`
}
