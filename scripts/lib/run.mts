/**
 * What every script starts with: its flags, the configuration and the server. The scripts are read top to bottom
 * like the page of a runbook, and `deploy` imports one after the other, so the first to begin sets the scene for all.
 */
import path from 'node:path'
import process from 'node:process'
import { minimist } from 'zx'
import { type Config, loadConfig, ROOT } from './config.mts'
import { OperatorError } from './errors.mts'
import { Host } from './host.mts'
import { nearest } from './nearest.mts'

export interface Options {
  yes: boolean
  verbose: boolean
  json: boolean
  force: boolean
  'dry-run': boolean
  fresh: boolean
  /** Name of a release that is already on the server. */
  release?: string
  /** Name of a target that is kept on the server; set by scripts that go back or on with one. */
  target?: string
  /** Set by rollback, which is a redeploy of a release before. */
  rollback?: boolean
}

export interface Run extends Config {
  host: Host
  options: Options
  /** What stands beside the flags. */
  words: string[]
}

const COMMON = `
  --host USER@NAME   the server, by ssh; \`local\` is this machine (config/stack.yaml: host)
  --config FOLDER    another folder with stack.yaml and server.yaml
  --verbose          show what the commands print
  --help             this text`

const SWITCHES = ['yes', 'verbose', 'json', 'force', 'dry-run', 'fresh', 'help']
const VALUES = ['host', 'config', 'release']

let run: Run | undefined

/**
 * Flags, configuration and server of this run; connects to nothing yet.
 * @param usage what \`--help\` prints: a sentence, the call, and the script's own flags, a line each
 * @param most  how many words the script takes beside its flags
 */
export function begin(usage: string, most = 0): Run {
  if (!run) {
    run = start(usage, most)
    process.once('SIGINT', interrupted)
  }
  return run
}

/** Every step finds what is there and completes it, so an interruption needs no cleaning up. */
function interrupted(): void {
  process.stderr.write(
    '\nInterrupted. What runs keeps running.\n  Next:  the same command again: it continues where this left off.\n',
  )
  process.exit(130)
}

function start(usage: string, most: number): Run {
  const given = minimist(process.argv.slice(2), { boolean: SWITCHES, string: ['_', ...VALUES] })
  if (given.help) {
    process.stdout.write(`${usage.trim()}${COMMON}\n`)
    process.exit(0)
  }
  const offered = [...SWITCHES, ...VALUES].filter((flag) => `${usage}${COMMON}`.includes(`--${flag}`))
  for (const flag of Object.keys(given))
    if (flag !== '_' && given[flag] !== false) checkFlag(flag, given[flag], offered)
  // The zx command leaves the script's own path as the first word.
  const words = given._.filter((word) => !word.endsWith('.mts'))
  if (words.length > most) throw new OperatorError(`“${words[most]}” was not expected`, 'See --help.')
  const config = loadConfig(path.resolve(given.config ?? path.join(ROOT, 'config')))
  const host = new Host(given.host ?? config.stack.host, config.stack.ssh_config, given.verbose)
  return { ...config, host, options: given as unknown as Options, words }
}

function checkFlag(flag: string, value: unknown, offered: string[]): void {
  if (!offered.includes(flag))
    throw new OperatorError(
      `--${flag} is no flag here; the nearest one is --${nearest(flag, offered)}`,
      'See --help.',
    )
  if (VALUES.includes(flag) && (value === '' || typeof value !== 'string'))
    throw new OperatorError(`--${flag} needs one value`, 'See --help.')
}
