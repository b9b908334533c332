/** Somebody with a copy of the repository and a bare server, who types what its pages say. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { parse, stringify } from 'yaml'
import { $ } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'
import type { Command } from '../lib/blocks.mts'
import { merge } from '../lib/settings.mts'
import { onTerminal } from '../lib/terminal.mts'
import { ADMIN } from './login.mts'
import type { Operator } from './operator.mts'

/** Seconds for a command. */
const DEADLINE = 600

/** What is in a checkout, but not in the repository. */
const OWN = ['.env', '.git', 'node_modules', 'reports']

/** Without what npm has set for the tests themselves, the way to their own programs among it. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD)/i.test(name))
  const PATH = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'))
  // In another language, and with a variable that Docker Compose goes by, as people have it.
  return { ...Object.fromEntries(own), PATH: PATH.join(':'), LANG: 'cs_CZ.UTF-8', COMPOSE_FILE: '/nowhere' }
}

/** The address of the server on every page (RFC 5737). */
const ADDRESS = '203.0.113.7'

/** The one command that makes a bare server a site. */
export const FIRST = `npm ci && npm run deploy -- --host admin@${ADDRESS}`
/** The first one after it. */
export const NEXT = 'npx zx scripts/01-server.mts'
/** The one that takes the site away again. */
export const LAST = 'npm run destroy'

export class Reader {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'prusa-reader-'))
  /** The scripts that npm has started. */
  readonly #started = new Set<string>()
  /** What each command printed, the last time. */
  readonly #printed = new Map<string, string>()

  private constructor(private readonly operator: Operator) {}

  /** Gets a copy of the repository, and the login of the pages. @param operator whose server is bare */
  static async begin(operator: Operator): Promise<Reader> {
    const reader = new Reader(operator)
    await operator.root(ADMIN)
    reader.#copyRepository()
    return reader
  }

  /** `.env` has what is special about this server: its ports, and that its images come from Debian. */
  #copyRepository(): void {
    const { operator } = this
    const { server } = operator
    const names = new Set(OWN.map((name) => path.join(ROOT, name)))
    cpSync(ROOT, this.#folder, { recursive: true, filter: (file) => !names.has(file) })
    const sshConfig = operator.sshConfig(`Host ${ADDRESS}\n  HostName 127.0.0.1\n  Port ${server.sshPort}`)
    const variables = {
      DEPLOY_HOST: `admin@${ADDRESS}`,
      SSH_CONFIG: sshConfig,
      HTTP_PORT: server.httpPort,
      HTTPS_PORT: server.httpsPort,
      IMAGES: 'debian',
    }
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(path.join(this.#folder, '.env'), lines.join(''))
    this.settings('app: { environment: { WARMUP_SECONDS: "0", DRAIN_SECONDS: "0" } }')
    this.settings('rollout: { canary: { seconds: 0 } }')
  }

  /** Sets keys of config/stack.yaml. */
  settings(yaml: string): void {
    const file = path.join(this.#folder, 'config/stack.yaml')
    writeFileSync(file, stringify(merge(parse(readFileSync(file, 'utf8')), parse(yaml))))
  }

  /** Does what a page says; returns what it printed, both streams in their order. */
  async do(step: Command, variables: Record<string, string> = {}): Promise<string> {
    const { command, before, onServer } = step
    if (before) await this.operator.root(before)
    if (onServer) return await this.operator.root(command)
    return await this.type(command, step, variables)
  }

  /** Types a command; returns what it printed. @param how its exit code, and what is typed when it asks */
  async type(
    command: string,
    { exitCode = 0, typed = '' }: Partial<Command> = {},
    variables: Record<string, string> = {},
  ): Promise<string> {
    const env = { NO_COLOR: '1', npm_config_prefer_offline: 'true', npm_config_audit: 'false', ...variables }
    const script = `exec 2>&1; umask 077; cd ${this.#folder}\n${this.#sooner(command)}`
    const ran = typed ? await this.#onTerminal(script, typed) : await this.#piped(script, env)
    assert.equal(ran.exitCode, exitCode, `${command}\n${ran.text}`)
    this.#printed.set(command, ran.text)
    return ran.text
  }

  /** What a command printed, the last time that it was typed. @throws AssertionError when it was not yet */
  printed(command: string): string {
    const text = this.#printed.get(command)
    assert.ok(text !== undefined, `Not typed yet: ${command}`)
    return text
  }

  /** A script that npm has started once starts without npm and tsx from then on: a second of processor time less. */
  #sooner(command: string): string {
    return command.replace(/\bnpm run (\w+)(?: --(?= ))?/g, (typed, name) => {
      if (this.#started.has(name)) return `node tests/lib/zx.mjs scripts/${name}.mts`
      this.#started.add(name)
      return typed
    })
  }

  async #piped(script: string, variables: Record<string, string>) {
    const env = { ...ownEnvironment(), ...variables }
    const quiet = $({ quiet: true, nothrow: true, input: '', env, timeout: `${DEADLINE}s` })
    const { exitCode, stdout } = await quiet`bash -c ${script}`
    return { exitCode, text: stdout }
  }

  /** Answers the first question. It ends with a colon, and the terminal may be told where to go on. */
  #onTerminal(script: string, line: string) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is told by such characters
    return onTerminal(['bash', '-c', script], [[/: (?:\u001b\[\d*[A-Z])*$/, line]])
  }

  /** Removes the copy. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
