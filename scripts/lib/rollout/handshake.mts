/** What a replica is asked: itself, never through the load balancer. Its status code alone decides nothing. */
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Overdue, waitUntil } from '../cli/wait.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Pool } from '../edge/pool.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { PORT } from '../stack/diagnosis.mts'
import { NeverReady } from './never-ready.mts'
import { namesOf, type Replica, replicas } from './replica.mts'

/** What a replica answered; status 0: nothing. */
export interface Answer {
  status: number
  body: string
}

const NOTHING: Answer = { status: 0, body: '' }

/**
 * Waits until the balancer finds each of them well, which asks /status and wants 200 and OK; gives up on one as soon as
 * waiting is in vain. @throws NotReady
 */
export async function untilReady(
  host: Host,
  stack: StackConfig,
  pool: Pool,
  fresh: Replica[],
): Promise<void> {
  const neverReady = new NeverReady(host, stack)
  let next = performance.now() + TRUST
  const proven = new Set<Replica>()
  const up = ({ address }: Replica) => pool.at(address)?.up
  const late = () => fresh.filter((one) => !up(one) || !proven.has(one))
  const silent = ({ address }: Replica) => !ANSWERED.test(pool.at(address)?.why ?? '')
  const looking = waitUntil(`${namesOf(fresh)} ready`, stack.rollout.ready_timeout, async () => {
    // The balancer may have known another replica at this address, and may not have noticed that it went.
    const told = late().filter(up)
    const own = await ask(host, told, '/status')
    for (const [index, one] of told.entries()) if (says(own[index], 'OK')) proven.add(one)
    if (performance.now() >= next) {
      await neverReady.check(late().filter(silent))
      next = performance.now() + DOUBT
    }
    return late()
      .map(({ name, address }) => `${name}: ${pool.at(address)?.why ?? 'not found'}`)
      .join(', ')
  })
  await looking.catch(async (error) => {
    const answers = await ask(host, late(), '/status')
    const answered = late().map((one, index) => ({ one, answered: shown(answers[index] ?? NOTHING) }))
    // The balancer's words for it are those of a protocol; people know the answer.
    const seen = answered.map(({ one, answered }) => `${one.name} answers ${answered}`).join(', ')
    const what = `${namesOf(fresh)} ready: not within ${stack.rollout.ready_timeout} s; last seen: ${seen}`
    throw await neverReady.explain(error instanceof Overdue ? new Overdue(what) : error, answered)
  })
}

/** Milliseconds for which nobody looks at those that answer nothing: most have begun to answer by then. */
const TRUST = 2000
/** Milliseconds between two looks at them after that. */
const DOUBT = 1000
/** What the balancer says of one that answered, but not as it should. */
const ANSWERED = /^answers /

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

/** Seconds after which somebody looks whether those that answer nothing were restarted. */
const SLICE = 5

interface Waiting {
  /** Asks those again for a while that do not say it. */
  word: string
  /** So long, unless all have said it. */
  seconds: number
  /** Hears of each that says it, at once. */
  heard: (one: Replica) => void
  /** Ends the waiting. */
  signal: AbortSignal
}

/** Asks the replicas themselves, at once, never through the load balancer; an answer each, in order. */
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
