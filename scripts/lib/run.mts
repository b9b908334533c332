/** A run of a script: its flags, the configuration and the server. */
import { realpathSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { WrongCall } from './cli/errors.mts'
import { parseFlags } from './cli/flags.mts'
import { say } from './cli/say.mts'
import { Compose } from './compose/compose.mts'
import { type Config, isSwarm, loadConfig, ROOT, type StackConfig } from './config/config.mts'
import type { Engine } from './engine/engine.mts'
import { Host } from './host/host.mts'
import { servesAlone } from './swarm/attach.mts'
import { choose, type Needs } from './swarm/choosing.mts'
import { Swarm } from './swarm/swarm.mts'

/** The flags of all scripts. A script takes those that its usage names. */
interface Options {
  help: boolean
  host?: string
  config?: string
  yes: boolean
  verbose: boolean
  json: boolean
  force: boolean
  'dry-run': boolean
  fresh: boolean
  follow: boolean
  errors: boolean
  data: boolean
  watch: boolean
  'no-backup': boolean
  list: boolean
  undo: boolean
  /** The name of a release on the server. */
  release?: string
  since?: string
  grep?: string
  /** A role of the database: `developer`, `owner` or `admin`. */
  as?: string
  /** Addresses, separated by commas. */
  allow?: string
  /** A folder on this machine. */
  to?: string
  /** A file on this machine. */
  key?: string
  /** An SQL statement. */
  c?: string
}

export interface Run extends Config {
  /** The server. Of several, the first one that answers; the first of the list holds the data. */
  host: Host
  /** All servers; with one, that one. For a script that needs each of several: those that answer. */
  hosts: Host[]
  /** Docker Compose for one server, Docker Swarm for several. */
  engine: Engine
  /** The engine of several servers, for what one server does not have. With one server, this is undefined. */
  swarm: Swarm | undefined
  options: Options
  /** The arguments that are no flags. */
  words: string[]
}

const COMMON = `\
  --host USER@NAME   the server, by ssh; \`local\` is this machine (config/stack.yaml: host, or hosts for several)
  --config FOLDER    another folder with stack.yaml and server.yaml
  --verbose          show the output of all commands
  --help             this text
`
const EXIT_CODES = `
Exit codes: 0 success, 1 failure or something to do (the output says what), 2 wrong call, 130 interrupted.
`

/**
 * Calls the function of a script when a person started this script, and not when another script imports it.
 * @param file  import.meta.url of the script
 * @param usage the text of `--help`: a sentence, the call, and a line for each flag of the script
 * @param work  the function of the script
 * @param most  how many words the script takes beside its flags; `command`: the first word begins a command, whose flags are
 *              not the script's
 * @param needs what it needs of the hosts
 */
export async function script(
  file: string,
  usage: string,
  work: (run: Run) => Promise<void>,
  most: number | 'command' = 0,
  needs: Needs = 'any',
): Promise<void> {
  // zx gets the script's path as an argument; tsx has it in place of its own path.
  const started = process.argv.slice(1).find((word) => word.endsWith('.mts'))
  if (!started || realpathSync(started) !== realpathSync(fileURLToPath(file))) return
  let run: Run | undefined
  process.once('SIGINT', () => interrupted(run))
  // The reader has closed the pipe: `| head`.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  try {
    run = begin(usage, most, needs)
    if (run.swarm) await choose(run.swarm.hosts, run, path.basename(file, '.mts'), needs)
    await work(run)
  } catch (error) {
    if (!(error instanceof WrongCall)) throw error
    console.error(error)
    process.exitCode = 2
  }
}

/** Every step finds what is there and completes it, so an interruption needs no cleaning up. */
function interrupted(run?: Run): void {
  say(
    `\nInterrupted.\n  State: ${run?.host.fence ? CUT_OFF : 'nothing was being changed.'}\n  Next:  ${AGAIN}`,
  )
  process.exit(130)
}

/** From now on, Ctrl-C ends this process without a message: it changes nothing. What it runs on the server ends with it. */
export function endSilently(): void {
  process.removeAllListeners('SIGINT')
  process.once('SIGINT', () => process.exit(130))
}

const CUT_OFF =
  'what runs keeps running. The steps with ✓ are done; the server may still finish the step that was interrupted.'
const AGAIN = 'run the same command again: it continues where this run ended. npm run status shows what runs.'

/** Reads the flags and the configuration of this run. Connects to nothing. */
function begin(usage: string, most: number | 'command', needs: Needs): Run {
  const [call = '', examples = ''] = usage.trim().split(/\n(?=\nExamples:)/)
  const { values, words } = parseFlags(`${call}\n${COMMON}`, most === 'command')
  const options = values as unknown as Options
  if (options.help) {
    const apart = /\n {2}\S.*? {2,}.*$/.test(call) ? '' : '\n'
    process.stdout.write(`${call}\n${apart}${COMMON}${examples}\n${EXIT_CODES}`)
    process.exit(0)
  }
  if (most !== 'command' && words.length > most) throw new WrongCall(`“${words[most]}” was not expected`)
  const config = loadConfig(path.resolve(options.config ?? path.join(ROOT, 'config')))
  const stack = chosen(config.stack, options, needs)
  const addresses = isSwarm(stack) ? stack.hosts : [options.host ?? stack.host]
  const hosts = addresses.map((address) => new Host(address, stack.ssh_config, options.verbose))
  const host = hosts[0] as Host
  const swarm = isSwarm(stack) ? new Swarm(hosts, stack) : undefined
  for (const one of hosts) one.quorum = swarm?.quorum
  if (!swarm && needs !== 'setup' && needs !== 'removal') host.entry = servesAlone(host, stack)
  const engine = swarm ?? new Compose(host, stack)
  return { ...config, stack, host, hosts, engine, swarm, options, words }
}

/** The configuration for the host that `--host` names. */
function chosen(stack: StackConfig, { host }: Options, needs: Needs): StackConfig {
  if (host === undefined || !isSwarm(stack)) return stack
  if (needs === 'removal') return { ...stack, hosts: [] } // for one that the others went on without
  throw new WrongCall(
    'config/stack.yaml lists several hosts (hosts), so there is no single one to choose by --host',
    'The same command without --host.',
  )
}
