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
import { type DisposableServer, startServer } from './disposable.mts'
import { Operator } from './operator.mts'

/** Seconds for a command. */
const DEADLINE = 600

/** What is in a checkout, but not in the repository. */
const OWN = ['.env', '.git', 'node_modules', 'reports']

/** Without what npm has set for the tests themselves, the way to their own programs among it. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|INIT_CWD)/i.test(name))
  const PATH = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: PATH.join(':') }
}

/** The address of the server on every page (RFC 5737). */
const ADDRESS = '203.0.113.7'

export class Reader {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'prusa-reader-'))
  /** The scripts that npm has started. */
  readonly #started = new Set<string>()

  private constructor(
    private readonly server: DisposableServer,
    private readonly operator: Operator,
  ) {}

  /** A server with the Docker Engine and the base images, which take minutes, and a login `admin` as a page names it. */
  static async begin(): Promise<Reader> {
    const server = await startServer('bookworm', 'prepared')
    const reader = new Reader(server, new Operator(server))
    try {
      await reader.#prepareServer()
      reader.#copyRepository()
      return reader
    } catch (error) {
      await reader.remove()
      throw error
    }
  }

  async #prepareServer(): Promise<void> {
    const { operator, server } = this
    operator.users((users) => users.splice(0), { packages: [] })
    await operator.must('01-server')
    await operator.loadBaseImages()
    await operator.root(`
useradd --create-home --shell /bin/bash --password '*' admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
install -d -m 700 -o admin -g admin ~admin/.ssh
echo '${server.publicKey}' >~admin/.ssh/authorized_keys`)
  }

  /** `.env` has what is special about this server: its ports, and that its images come from Debian. */
  #copyRepository(): void {
    const { server, operator } = this
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
    const { command, before, onServer, exitCode, typed } = step
    if (before) await this.operator.root(before)
    if (onServer) return await this.operator.root(command)
    const env = { NO_COLOR: '1', npm_config_prefer_offline: 'true', npm_config_audit: 'false', ...variables }
    const script = `exec 2>&1; cd ${this.#folder}\n${this.#sooner(command)}`
    const ran = typed ? await this.#onTerminal(script, typed) : await this.#piped(script, env)
    assert.equal(ran.exitCode, exitCode, `${step.place}: ${command}\n${ran.text}`)
    return ran.text
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

  async remove(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true })
    await this.operator.remove()
  }
}
