/** What every script is given: its flags, the configuration and the server. */
import { realpathSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { WrongCall } from './cli/errors.mts'
import { nearest } from './cli/nearest.mts'
import { type Config, loadConfig, ROOT } from './config/config.mts'
import { Host } from './host/host.mts'

export interface Options {
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
  /** Name of a release that is already on the server. */
  release?: string
  since?: string
  grep?: string
  /** A role of the database, as people call it. */
  as?: string
  /** Addresses, commas between. */
  allow?: string
  /** A statement of SQL. */
  c?: string
}

export interface Run extends Config {
  host: Host
  options: Options
  /** What stands beside the flags. */
  words: string[]
}

const COMMON = `\
  --host USER@NAME   the server, by ssh; \`local\` is this machine (config/stack.yaml: host)
  --config FOLDER    another folder with stack.yaml and server.yaml
  --verbose          show what the commands print
  --help             this text
`
const EXIT_CODES = `
Exit codes: 0 as wished, 1 something is to be done by you or on the server, 2 a wrong call, 130 interrupted.
`

/** A flag as it is typed. */
const typed = (flag: string) => (flag.length > 1 ? `--${flag}` : `-${flag}`)

/**
 * Calls the function of a script when it is that script which was started, and not another one that imports it.
 * @param file  import.meta.url of the script
 * @param usage what `--help` prints: a sentence, the call, and the script's own flags, a line each
 * @param most  how many words the script takes beside its flags; `command`: what begins with the first one is not for it
 */
export async function script(
  file: string,
  usage: string,
  work: (run: Run) => Promise<void>,
  most: number | 'command' = 0,
): Promise<void> {
  // The zx command gets the script's path as a word, tsx has it in place of its own.
  const started = process.argv.slice(1).find((word) => word.endsWith('.mts'))
  if (!started || realpathSync(started) !== realpathSync(fileURLToPath(file))) return
  process.once('SIGINT', interrupted)
  // Whoever reads has seen enough: `| head`.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  try {
    await work(begin(usage, most))
  } catch (error) {
    if (!(error instanceof WrongCall)) throw error
    console.error(error)
    process.exitCode = 2
  }
}

/** Every step finds what is there and completes it, so an interruption needs no cleaning up. */
function interrupted(): void {
  process.stderr.write(
    '\nInterrupted. What runs keeps running.\n  Next:  the same command again: it continues where this left off.\n',
  )
  process.exit(130)
}

/** Flags, configuration and server of this run; connects to nothing yet. */
function begin(usage: string, most: number | 'command'): Run {
  const [call = '', examples = ''] = usage.trim().split(/\n(?=\nExamples:)/)
  const { values, words } = parse(`${call}\n${COMMON}`, most === 'command')
  const options = values as unknown as Options
  if (options.help) {
    const apart = /\n {2}\S.*? {2,}.*$/.test(call) ? '' : '\n'
    process.stdout.write(`${call}\n${apart}${COMMON}${examples}\n${EXIT_CODES}`)
    process.exit(0)
  }
  if (most !== 'command' && words.length > most) throw new WrongCall(`“${words[most]}” was not expected`)
  const config = loadConfig(path.resolve(options.config ?? path.join(ROOT, 'config')))
  const host = new Host(options.host ?? config.stack.host, config.stack.ssh_config, options.verbose)
  return { ...config, host, options, words }
}

/**
 * The flags of this run, by those that have a line in the usage: one with a value has it behind it in capitals.
 * @param command whether what begins with the first word is left alone
 */
function parse(usage: string, command: boolean) {
  const named = [...usage.matchAll(/^ {2}--?([a-z][a-z-]*)( [A-Z])?/gm)]
  const flags = named.map(([, flag = '', value]) => [flag, kindOf(flag, value !== undefined)] as const)
  const options = Object.fromEntries(flags)
  // The zx command gets the script's path as a word.
  const given = process.argv.slice(process.argv.findIndex((word) => word.endsWith('.mts')) + 1)
  const end = command ? firstWord(given, options) : given.length
  const { values, positionals } = strictly(given.slice(0, end), options)
  for (const [flag, value] of Object.entries(values).filter(([flag]) => options[flag]?.multiple)) {
    const [only, more] = value as unknown as string[]
    if (!only || more) throw new WrongCall(`${typed(flag)} needs one value`)
    values[flag] = only
  }
  return { values, words: [...positionals, ...given.slice(end)] }
}

type Flags = NonNullable<ParseArgsConfig['options']>

const kindOf = (flag: string, value: boolean): Flags[string] => ({
  ...(value ? { type: 'string', multiple: true } : { type: 'boolean', default: false }),
  ...(flag.length === 1 && { short: flag }),
})

/** Where the first word stands. */
function firstWord(args: string[], options: Flags): number {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  return tokens.find(({ kind }) => kind === 'positional')?.index ?? args.length
}

function strictly(args: string[], options: Flags) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const flag = /'(-[^ ',=]*)/.exec(message)?.[1] ?? ''
    const name = flag.replace(/^-+/, '')
    const near = `is no flag here; the nearest one is ${typed(nearest(name, Object.keys(options)) ?? 'help')}`
    const value = options[name]?.type === 'boolean' ? 'takes no value' : 'needs one value'
    throw new WrongCall(`${flag} ${code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? near : value}`)
  }
}
