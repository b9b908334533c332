/** Prints the logs of the services in the order of time, with the last lines of removed replicas. */
import { OperatorError, WrongCall } from './lib/cli/errors.mts'
import { type Format, list, painted, result, say, warn } from './lib/cli/say.mts'
import { isSwarm } from './lib/config/config.mts'
import { linesOf } from './lib/host/frame.mts'
import type { Host } from './lib/host/host.mts'
import type { Running } from './lib/host/process.mts'
import { remote, remoteText, type Script } from './lib/host/shell.mts'
import { endSilently, type Run, script } from './lib/run.mts'
import { fieldsOf, type Line, moment, ordered, parseLine, readable, spanOf } from './lib/stack/logs.mts'
import { chosenHosts, named, SERVICES } from './lib/stack/services.mts'

/** How many lines of each service are shown without --since; with --follow, how many of each container come first. */
const LINES = 200
const FOLLOWED = 10

/** Seconds for reading the logs, which may be long. */
const DEADLINE = 300

export async function printLogs(run: Run): Promise<void> {
  const chosen = { ...run, ...chosenHosts(run.words, run.stack.hosts, run.hosts) }
  const show = shower(chosen)
  const asked = question(chosen)
  if (run.options.follow) return await follow(chosen, asked, show)
  const read = async (host: Host) =>
    linesIn(chosen, host, await host.lines('Reading the logs', asked, { deadline: DEADLINE }))
  const lines = (await Promise.all(chosen.hosts.map(read))).flat()
  if (lines.length === 0) return nothing(chosen)
  for (const line of ordered(lines, run.options.since ? undefined : LINES)) show(line)
}

const linesIn = ({ stack }: Run, host: Host, lines: readonly string[]): Line[] =>
  lines.flatMap((line) => parseLine(stack.project, line, isSwarm(stack) ? host.name : '') ?? [])

/** The script that prints the lines. @throws WrongCall for an unknown service or a wrong span of time */
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
    // A readable line consists of words of the log's line, so a line without the words can be left out on the server.
    words: (options.grep ?? '').split(/\s+/).filter(Boolean).join('\n'),
    filter: remoteText('logs.pl'),
  })
}

/** Returns a function that prints a line, unless --grep leaves it out. */
function shower({ hosts, options }: Run): (line: Line) => void {
  const wanted = options.grep?.toLowerCase() ?? ''
  const names: readonly string[] = SERVICES
  const width = Math.max(...SERVICES.map((name) => name.length))
  const column = Math.max(...hosts.map(({ name }) => name.length))
  return (line) => {
    const text = readable(line)
    if (![text, line.text].some((one) => one.toLowerCase().includes(wanted))) return
    if (options.json) return result(JSON.stringify(asFields(line)))
    const colour = PALETTE[names.indexOf(line.service)] ?? 'reset'
    const host = line.host ? `${line.host.padEnd(column)} ` : ''
    result(`${painted(colour, `${moment(line)} ${host}${line.container.padEnd(width)}`)} ${text}`)
  }
}

/** The colours of the services on a terminal. */
const PALETTE: Format[] = ['cyan', 'magenta', 'green', 'blue', 'yellow', 'red']

const asFields = ({ host, at, service, container, fate, text }: Line) => ({
  at,
  ...(host && { server: host }), // nginx's own field `host` is the site's name
  service,
  container,
  ...(fate ? { fate: text } : (fieldsOf(text) ?? { text })),
})

/** Prints lines as they come, until Ctrl-C. @throws OperatorError when the last connection ends */
async function follow(run: Run, asked: Script, show: (line: Line) => void): Promise<void> {
  const { hosts } = run
  const sessions = await Promise.all(hosts.map((host) => host.session(asked)))
  endSilently()
  let empty = 0 // the hosts with no container to follow
  const followed = hosts.map(async (host, index) => {
    const session = sessions[index] as Running
    for await (const text of once(linesOf(session.stdout))) {
      if (text === 'none' && ++empty === hosts.length) for (const { stdin } of sessions) stdin.end()
      for (const line of linesIn(run, host, [text])) show(line)
    }
    if (empty < hosts.length) warn(`The connection to ${host.name} ended, so no more lines can come from it.`)
  })
  await Promise.all(followed)
  if (empty === hosts.length) return nothing(run)
  throw new OperatorError('No connection is left', 'Run the same command again.')
}

/** Leaves out what comes twice: when a container starts again, some of its lines do. */
async function* once(lines: AsyncIterable<string>): AsyncGenerator<string> {
  const seen = new Set<string>()
  for await (const text of lines) {
    if (seen.has(text)) continue
    seen.add(text)
    const [oldest = ''] = seen
    if (seen.size > 10_000) seen.delete(oldest)
    yield text
  }
}

function nothing({ hosts, words, options }: Run): void {
  const where = list(hosts.map(({ name }) => name))
  if (options.since || options.errors || options.grep) say(`No line on ${where} matches.`)
  else if (words.length > 0)
    say(`No line in the logs of ${list(words)} on ${where}. Next: npm run status shows what runs.`)
  else say(`No service has logged anything on ${where}. Next: npm run deploy`)
}

await script(
  import.meta.url,
  `
Prints the logs of the services, with the last lines of removed replicas. Times are UTC.

  npm run logs [-- SERVICE… --host USER@NAME]

  SERVICE            app, balancer, db, dbport, lb, redis, or one replica: app-3 (default: all services). With
                     several hosts, a host may be named, too: lb admin@b.example.org
  --follow           print new lines as they come, until Ctrl-C
  --since SPAN       lines of the last 90s, 10m, 2h or 1d (default: the last ${LINES} lines of each service)
  --grep WORDS       only lines with these words, in upper or lower case
  --errors           only errors: answers 5xx, tracebacks, lines that a service marks as errors, restarts
  --json             each line as JSON; a line of the load balancer with its fields

Examples:
  npm run logs -- --errors --since 1h
  npm run logs -- lb app --follow
`,
  printLogs,
  Number.POSITIVE_INFINITY,
  'each',
)
