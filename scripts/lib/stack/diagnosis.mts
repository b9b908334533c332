/** Why a fresh replica does not get ready. Pure functions of what was seen; nothing is asked here. */
import { ApplicationFails, CommandError, indent, lastLines, withoutPasswords } from '../cli/errors.mts'
import type { Listener } from '../host/listener.mts'

/** The port on which the application must listen: APP_PORT in compose/stack.yaml. */
export const PORT = 5000
/** The port on which process1 of a replica listens: PROCESS1_PORT in compose/stack.yaml. */
export const PROCESS1_PORT = 5099

/** The application is the reason. */
export class NotReady extends ApplicationFails {
  /** @param remedy what to change before the command is run again; a caller may replace `npm run deploy` */
  constructor(
    what: string,
    readonly remedy: string,
  ) {
    super(what, `${remedy}, then: npm run deploy`)
  }
}

/** What was seen of a replica that is not ready. */
export interface Seen {
  name: string
  /** Its address on the balancer's network; empty if it does not run. */
  address: string
  /** Whether it crashed so often that it counts as failed. */
  crashes: boolean
  /** Exit code of the last crash; undefined if unknown. */
  exitCode: number | undefined
  restarts: number
  /** Whether the kernel killed it for lack of memory. */
  outOfMemory: boolean
  listeners: Listener[]
  /** Its last answer: `404 “Not ready”`, or `nothing`. */
  answered: string
  /** The last lines of its log. */
  log: string
}

/** The reason; undefined if it cannot be seen. */
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
 * Whether a running replica will never be ready: it answers /status by the contract, but at an address or port that the
 * balancer does not reach. A program that only listens elsewhere may still begin to listen at the right place.
 */
export function isMisplaced(seen: Pick<Seen, 'name' | 'address' | 'listeners'>): boolean {
  const answers = ({ status, body }: Listener) =>
    (status === 200 && body === 'OK') || (status === 404 && body === 'Not ready')
  return misplacedOf(seen) !== undefined && seen.listeners.some(answers)
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
      ? `${addresses.join(' and ')} only, where the balancer does not reach it`
      : `port ${[...new Set(listeners.map(({ port }) => port))].join(' and ')}, not on ${PORT}`
  return new NotReady(`${name} listens on ${what}`, CONTRACT)
}

function crash({ name, exitCode, restarts, outOfMemory, log }: Seen): NotReady {
  const code = exitCode === undefined ? '' : `exit code ${exitCode}, `
  const what = `${name} crashes (${code}restarted ${restarts} times)`
  if (outOfMemory) return new NotReady(`${what}: it needs more memory than its limit`, MEMORY)
  const logged = loggedReason(log)
  if (logged) return new NotReady(`${what}: ${logged.what}`, logged.next)
  if (exitCode === 0) return new NotReady(`${what}: it ends by itself and does not serve`, CONTRACT)
  return new NotReady(what, 'Correct the application')
}

const MEMORY = 'Raise its memory limit (app.memory in config/stack.yaml)'

/** The error for a create_db.py that failed, with the reason if its output shows one. */
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
    // The words of libpq, PyMySQL, their servers, and SQLite.
    /.*(connection to server (at|on)|could not connect to server|could not translate host name|Can't connect to MySQL server|(password|Ident|Peer) authentication failed|no pg_hba\.conf entry|Access denied for user|unable to open database file|database "[^"]*" does not exist|Unknown database).*/,
    ([said]) => `it cannot reach its database (${said.trim()})`,
    'Check with npm run verify that the database answers, and let the application use DATABASE_URI',
  ],
]

/** A traceback at the end of the log that has no error yet: the application is just crashing again. */
const UNFINISHED = /Traceback \(most recent call last\):(\n[ \t].*)*\s*$/

/** The reason by the last traceback of the log: the application may have handled earlier ones. */
function loggedReason(log: string): { what: string; next: string } | undefined {
  const whole = log.replace(UNFINISHED, '')
  const last = whole.slice(Math.max(0, whole.lastIndexOf('Traceback (most recent call last)')))
  for (const [line, what, next] of REASONS) {
    const said = line.exec(last)
    if (said) return { what: what(said), next }
  }
  return
}
