/** What the services log, line by line in the order of time, also of replicas that are gone. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { OperatorError, WrongCall } from './lib/cli/errors.mts'
import { type Format, list, painted, result, say } from './lib/cli/say.mts'
import { ROOT } from './lib/config/config.mts'
import { linesOf } from './lib/host/frame.mts'
import { remote, type Script } from './lib/host/shell.mts'
import { type Run, script } from './lib/run.mts'
import { fieldsOf, type Line, moment, ordered, parseLine, readable, spanOf } from './lib/stack/logs.mts'
import { named, SERVICES } from './lib/stack/services.mts'

/** Lines of each service that are shown where it is not said since when; while it is followed, of each container. */
const LINES = 200
const FOLLOWED = 10

/** Seconds: a long log is read for a while. */
const DEADLINE = 300

export async function printLogs(run: Run): Promise<void> {
  const show = shower(run)
  const asked = question(run)
  if (run.options.follow) return await follow(run, asked, show)
  const output = await run.host.run('Reading the logs', asked, { deadline: DEADLINE })
  const lines = output.split('\n').flatMap((line) => parseLine(run.stack.project, line) ?? [])
  if (lines.length === 0) return nothing(run)
  for (const line of ordered(lines, run.options.since ? undefined : LINES)) show(line)
}

/** @throws WrongCall */
function question({ stack, words, options }: Run): Script {
  const services = words
    .map((word) => named(stack, word))
    .map(({ service, container }) => container || service)
  const since = options.since === undefined ? 0 : spanOf(options.since)
  if (since === undefined)
    throw new WrongCall(`--since takes a span of time such as 90s, 10m, 2h or 1d, not “${options.since}”`)
  return remote('logs', {
    folder: stack.folder,
    project: stack.project,
    services: services.join(' '),
    since,
    lines: options.follow ? FOLLOWED : LINES,
    follow: options.follow ? 'yes' : '',
    errors: options.errors ? 'yes' : '',
    // A readable line is made of what the log holds, so each of its words is in there.
    words: (options.grep ?? '').split(/\s+/).filter(Boolean).join('\n'),
    filter: readFileSync(path.join(ROOT, 'scripts/remote/logs.pl'), 'utf8'),
  })
}

/** Prints a line, where it is wanted. */
function shower({ options }: Run): (line: Line) => void {
  const wanted = options.grep?.toLowerCase() ?? ''
  const names: readonly string[] = SERVICES
  const width = Math.max(...SERVICES.map((name) => name.length))
  return (line) => {
    const text = readable(line)
    if (![text, line.text].some((one) => one.toLowerCase().includes(wanted))) return
    if (options.json) return result(JSON.stringify(asFields(line)))
    const colour = PALETTE[names.indexOf(line.service)] ?? 'reset'
    result(`${painted(colour, `${moment(line)} ${line.container.padEnd(width)}`)} ${text}`)
  }
}

/** Colours of a terminal, one for each service. */
const PALETTE: Format[] = ['cyan', 'magenta', 'green', 'blue', 'yellow', 'red']

const asFields = ({ at, service, container, fate, text }: Line) => ({
  at,
  service,
  container,
  ...(fate ? { fate: text } : (fieldsOf(text) ?? { text })),
})

/** Until somebody ends it, where there is anything to follow. @throws OperatorError when the server is lost */
async function follow(run: Run, asked: Script, show: (line: Line) => void): Promise<void> {
  const { host, stack } = run
  const session = await host.session(asked)
  process.removeAllListeners('SIGINT')
  process.once('SIGINT', () => process.exit(130)) // the session ends with its input
  const seen = new Set<string>() // of who starts again, lines may come twice
  for await (const text of linesOf(session.stdout)) {
    if (seen.has(text)) continue
    seen.add(text)
    const [oldest = ''] = seen
    if (seen.size > 10_000) seen.delete(oldest)
    const line = parseLine(stack.project, text)
    if (line) show(line)
  }
  const code = session.exitCode ?? (await once(session, 'exit'))[0]
  if (code === 0) return nothing(run)
  throw new OperatorError(
    `The logs of ${host.name} can be followed no more: the connection ended`,
    'The same command again.',
  )
}

function nothing({ host, words, options }: Run): void {
  if (options.since || options.errors || options.grep) say(`No such line on ${host.name}.`)
  else if (words.length > 0)
    say(`There is no line of ${list(words)} on ${host.name}. Next: npm run status shows what is there.`)
  else say(`No service has logged anything on ${host.name}. Next: npm run deploy`)
}

await script(
  import.meta.url,
  `
Prints what the services log, the last lines of replicas that were removed among them. Times are UTC.

  npm run logs [-- SERVICE… --host USER@NAME]

  SERVICE            app, balancer, db, dbport, lb, redis, or one replica: app-3; all of them unless told
  --follow           go on with what comes
  --since SPAN       of the last 90s, 10m, 2h, 1d; without it the last ${LINES} lines of each service
  --grep WORDS       lines with these words, in any case of letters
  --errors           5xx, tracebacks, what a service calls an error, restarts
  --json             each line as JSON, with the fields of the load balancer's

Examples:
  npm run logs -- --errors --since 1h
  npm run logs -- lb app --follow
`,
  printLogs,
  Number.POSITIVE_INFINITY,
)
