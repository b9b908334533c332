/** Why a fresh replica does not get ready: a judgement on what was seen. Nothing is asked here. */
import { ApplicationFails, CommandError, indent, lastLines, withoutPasswords } from '../cli/errors.mts'
import type { Listener } from '../host/listener.mts'

/** The contract of the application: it listens on APP_HOST and APP_PORT, which say this (compose/stack.yaml). */
export const PORT = 5000

/** The application is the reason. */
export class NotReady extends ApplicationFails {
  /** @param remedy what to change; a caller that knows better than `npm run deploy` what to type then, says so */
  constructor(
    what: string,
    readonly remedy: string,
  ) {
    super(what, `${remedy}, then: npm run deploy`)
  }
}

/** What was seen of a replica that does not answer as it should. */
export interface Seen {
  name: string
  /** Its address on the network of the load balancer; empty when it does not run. */
  address: string
  /** Whether it died so often that it is given up. */
  crashes: boolean
  /** Of its last end, where it is known. */
  exitCode: number | undefined
  restarts: number
  /** Whether the kernel killed it for its memory. */
  outOfMemory: boolean
  listeners: Listener[]
  /** What it answered last, as people read it: `404 “Not ready”`, `nothing`. */
  answered: string
  /** The last lines that it logged. */
  log: string
}

/** The reason, or undefined when what was seen names none. */
export function reasonOf(seen: Seen): NotReady | undefined {
  const { name } = seen
  if (seen.crashes) return crash(seen)
  const misplaced = seen.answered === 'nothing' && misplacedOf(seen)
  if (misplaced) return misplaced
  const logged = loggedReason(seen.log)
  if (logged) return new NotReady(`${name} answers ${seen.answered}: ${logged.what}`, logged.next)
  if (seen.answered === 'nothing')
    return new NotReady(
      seen.listeners.length > 0
        ? `${name} listens on ${seen.listeners.map(shown).join(' and ')} and does not answer to /status`
        : `${name} runs and listens on no port`,
      CONTRACT,
    )
  return
}

const shown = ({ address, port }: Listener) => `${address} port ${port}`

const CONTRACT = `Let the application listen on the address in APP_HOST (0.0.0.0) and on the port in APP_PORT (${PORT})`

/**
 * Whether waiting is in vain although it runs: the application answers /status by its contract, at a place where the load
 * balancer cannot reach it. A program that merely listens elsewhere may still be about to listen here.
 */
export function isMisplaced(seen: Pick<Seen, 'name' | 'address' | 'listeners'>): boolean {
  const word = (one: Listener) =>
    (one.status === 200 && one.body === 'OK') || (one.status === 404 && one.body === 'Not ready')
  return misplacedOf(seen) !== undefined && seen.listeners.some(word)
}

function misplacedOf({
  name,
  address,
  listeners,
}: Pick<Seen, 'name' | 'address' | 'listeners'>): NotReady | undefined {
  const right = (one: Listener) => one.port === PORT && ['0.0.0.0', '::', address].includes(one.address)
  if (listeners.length === 0 || listeners.some(right)) return
  const addresses = listeners.filter(({ port }) => port === PORT).map((one) => one.address)
  const what =
    addresses.length > 0
      ? `${addresses.join(' and ')} only, where the load balancer does not reach it`
      : `port ${[...new Set(listeners.map(({ port }) => port))].join(' and ')}, not on ${PORT}`
  return new NotReady(`${name} listens on ${what}`, CONTRACT)
}

function crash({ name, exitCode, restarts, outOfMemory, log }: Seen): NotReady {
  const code = exitCode === undefined ? '' : `exit code ${exitCode}, `
  const what = `${name} crashes (${code}restarted ${restarts} times)`
  if (outOfMemory) return new NotReady(`${what}: it needs more memory than it may have`, MEMORY)
  const logged = loggedReason(log)
  if (logged) return new NotReady(`${what}: ${logged.what}`, logged.next)
  if (exitCode === 0) return new NotReady(`${what}: it ends by itself and does not serve`, CONTRACT)
  return new NotReady(what, 'Mend the application')
}

const MEMORY = 'Give it more (app.memory in config/stack.yaml)'

/** The failure of create_db.py, with the reason where its output gives one. */
export function whyUnprepared(failure: Error): Error {
  const reason = failure instanceof CommandError && loggedReason(failure.output)
  if (!reason) return failure
  const lines = indent(withoutPasswords(lastLines(failure.output, 15)))
  return new NotReady(`create_db.py fails: ${reason.what}\n${lines}`, reason.next)
}

const REASONS: [line: RegExp, what: (said: RegExpExecArray) => string, next: string][] = [
  [
    /ModuleNotFoundError: No module named '([^']+)'/,
    ([said, module]) => `it lacks the module ${module} (${said})`,
    'Name the package that holds the module in requirements.txt',
  ],
  [
    /ImportError: .+/,
    ([said]) => `it cannot import what it needs (${said})`,
    'Name the package that it needs, in the right version, in requirements.txt',
  ],
  [
    // As libpq, PyMySQL, their servers, and SQLite say it.
    /.*(connection to server (at|on)|could not connect to server|could not translate host name|Can't connect to MySQL server|(password|Ident|Peer) authentication failed|no pg_hba\.conf entry|Access denied for user|unable to open database file|database "[^"]*" does not exist|Unknown database).*/,
    ([said]) => `it cannot reach its database (${said.trim()})`,
    'See by npm run verify whether the database answers, and let the application take it from DATABASE_URI',
  ],
]

/** What the log gives as the reason, in the last error of it: one before may have been dealt with. */
function loggedReason(log: string): { what: string; next: string } | undefined {
  const last = log.slice(Math.max(0, log.lastIndexOf('Traceback (most recent call last)')))
  for (const [line, what, next] of REASONS) {
    const said = line.exec(last)
    if (said) return { what: what(said), next }
  }
  return
}
