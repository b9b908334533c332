/**
 * The server: this machine, or another one over ssh. Nothing but sshd, a shell and sudo is expected there.
 * A script always travels on the standard input of `bash -s`: no quoting for a remote shell that may not be
 * bash, and no secret on a command line.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { $, type ProcessOutput } from 'zx'
import { CommandError, OperatorError } from './errors.mts'
import { type ServerFile, writeScript } from './files.mts'
import { outOfReach } from './reach.mts'
import { bash, type Script } from './shell.mts'
import { CONNECT_DEADLINE, sh, sshOptions } from './ssh.mts'

/** As nice(1) has it, from 0 to 19: a tenth of what another process gets. */
const NICENESS = 10

/** Seconds. A script that may take longer (a build, packages) names its own deadline. */
const SCRIPT_DEADLINE = 60

// A bash whose standard input is a socket, as Node's pipes and sshd's are, takes itself for one that rshd started, and
// would run .bashrc first, whatever that prints or waits for. It does not below another shell, which is what zx's own
// bash is told here.
const BASH = 'bash --norc'
process.env.SHLVL = String(Math.max(1, Number(process.env.SHLVL ?? 0)))

export interface RunOptions {
  /** Seconds until the script is ended. */
  deadline?: number
}

export class Host {
  #niceness = 0
  #asked: Promise<void> | undefined

  /**
   * @param address   `local`, or what ssh takes: `user@name`, `ssh://user@name:2222`, an alias of ssh_config
   * @param sshConfig another ssh_config(5) file; empty: the user's own
   */
  constructor(
    readonly address: string,
    private readonly sshConfig = '',
    private readonly verbose = false,
  ) {
    if (address.startsWith('-') || /\s/.test(address))
      throw new OperatorError(`“${address}” is not a host`, 'Give it as --host USER@NAME.')
  }

  get local(): boolean {
    return this.address === 'local'
  }

  /** How people call it. */
  get name(): string {
    return this.local ? 'this machine' : this.address
  }

  /** The name or address under which a browser reaches it. */
  get publicName(): string {
    if (this.local) return 'localhost'
    return this.address.startsWith('ssh://')
      ? new URL(this.address).hostname
      : (this.address.split('@').at(-1) as string)
  }

  /** The scripts to come leave the processors to whoever else wants them: the site, while a release is rolled out. */
  giveWay(): void {
    this.#niceness = NICENESS
  }

  /** Runs a script as root and returns what it printed; throws a CommandError with its last lines. */
  async run(purpose: string, script: Script, options: RunOptions = {}): Promise<string> {
    const output = await this.attempt(script, options)
    if (output.exitCode !== 0) {
      const text = `${output.stdout}\n${output.stderr}`
      throw new CommandError(purpose, output.exitCode, text)
    }
    return output.stdout
  }

  /** Runs a script as root; its exit code is the caller's to judge. Throws only when the server is out of reach. */
  async attempt(script: Script, options: RunOptions = {}): Promise<ProcessOutput> {
    await this.#connect()
    return await this.#send(script, options.deadline ?? SCRIPT_DEADLINE)
  }

  /** Streams a local folder to the server, replacing what was there. */
  async copyFolder(from: string, to: string, exclude: string[] = []): Promise<void> {
    await this.#connect()
    const options = ['--owner=0', '--group=0', '--sort=name', ...exclude.map((name) => `--exclude=${name}`)]
    const unpack = bash`rm -rf ${to}.next; mkdir -p ${to}.next; tar -x -C ${to}.next; rm -rf ${to}; mv ${to}.next ${to}`
    // tar's stream is the standard input here, so that the script (it holds no secret) has to be an argument.
    const [command, ...rest] = this.#shell(`${BASH} -euc ${sh(unpack.text)}`)
    const output = await $({
      quiet: true,
      nothrow: true,
    })`tar -c -C ${from} ${options} . | ${command} ${rest}`
    if (output.exitCode !== 0)
      throw new CommandError(`Copying ${from} to ${this.name}`, output.exitCode, output.stderr)
  }

  /** Copies one file of this machine, with its content only. */
  async copyFile(from: string, to: string): Promise<void> {
    await this.writeFiles([{ path: to, content: readFileSync(from, 'utf8') }])
  }

  /** Writes files atomically with their modes, owned by root; returns the paths whose content or mode changed. */
  async writeFiles(files: ServerFile[]): Promise<string[]> {
    const output = await this.run('Writing files', writeScript(files))
    return output.split('\n').filter(Boolean)
  }

  /** A long-lived session for what must end with this process: its standard input closes when we are gone. */
  session(script: Script) {
    const [command, ...args] = this.#shell(`${BASH} -c ${sh(script.text)}`)
    return spawn(command as string, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  }

  /**
   * Logs in anew over ssh, whatever connection is open already.
   * @param server a command that is sshd for this one login, run as root there; without it the real one is called
   */
  async login(server = ''): Promise<{ ok: boolean; method: string; said: string }> {
    const fresh = ['LogLevel=DEBUG1', 'ControlMaster=no', 'ControlPath=none'].flatMap((option) => [
      '-o',
      option,
    ])
    // ssh puts values in place of % signs in the command that is its connection.
    const proxy = server
      ? ['-o', `ProxyCommand=${this.#shell(server).map(sh).join(' ').replaceAll('%', '%%')}`]
      : []
    const options = [...fresh, ...proxy, ...sshOptions(this.sshConfig)]
    const quiet = $({
      quiet: true,
      nothrow: true,
      timeout: `${3 * CONNECT_DEADLINE}s`,
      timeoutSignal: 'SIGKILL',
    })
    const { exitCode, stderr } = await quiet`ssh ${options} ${this.address} true`
    const method = /Authenticated to .* using "([\w-]+)"/.exec(stderr)?.[1] ?? ''
    const said = stderr
      .split('\n')
      .filter((line) => line.trim() && !/^debug1:|^OpenSSH|^Authenticated/.test(line))
    return { ok: exitCode === 0, method, said: said.at(-1)?.trim() ?? 'no answer' }
  }

  #connect(): Promise<void> {
    this.#asked ??= this.#ask()
    return this.#asked
  }

  async #ask(): Promise<void> {
    const output = await this.#send(bash`true`, 2 * CONNECT_DEADLINE)
    if (output.exitCode !== 0) throw outOfReach(this, output.stderr)
  }

  async #send(script: Script, deadline: number): Promise<ProcessOutput> {
    // Braces make bash read the whole script first; then no command in it can eat the rest of it as its input.
    const input = `{ set -euo pipefail\nexport LC_ALL=C.UTF-8\n${script.text}\n} </dev/null\n`
    const [command, ...args] = this.#shell(`${BASH} -s`)
    const quiet = !this.verbose
    const running = $({
      input,
      nothrow: true,
      quiet,
      verbose: this.verbose,
      timeout: `${deadline}s`,
      // The docker client ends with 0 on SIGTERM, and a deadline would look like success.
      timeoutSignal: 'SIGKILL',
    })`${command} ${args}`
    // A command that ends before it has read its script (a refused login) closes the pipe under our hands.
    running.stdin.on('error', () => {})
    return await running
  }

  /** The command that runs `command` as root there, in words for sh, which every login shell can start. */
  #shell(command: string): string[] {
    const gentle = this.#niceness > 0 ? `nice -n ${this.#niceness} ${command}` : command
    const asRoot = `if [ "$(id -u)" = 0 ]; then exec ${gentle}; else exec sudo -n ${gentle}; fi`
    return this.local
      ? ['sh', '-c', asRoot]
      : ['ssh', ...sshOptions(this.sshConfig), this.address, `exec sh -c ${sh(asRoot)}`]
  }
}
