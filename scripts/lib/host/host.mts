/**
 * The server: this machine, or another one over ssh. Nothing but sshd, a shell and sudo is expected there.
 * A script always travels on the standard input of a `bash -s`, which takes the next one after it: no quoting for a remote shell that may not be
 * bash, and no secret on a command line.
 */

import { CommandError } from '../cli/errors.mts'
import { say } from '../cli/say.mts'
import { askRoute, parseDestination, type Route, sshWords } from './destination.mts'
import { checkRefused, type Fence, guard } from './fence.mts'
import { type ServerFile, writeScript } from './files.mts'
import { behindHead, framed, headed, type Input, lineByLine, unframed } from './frame.mts'
import { type Interpreter, Interpreters } from './interpreter.mts'
import { attached, ended, feed, type Output, onTerminal, type Running, start } from './process.mts'
import { cutOff, GOES_ON, NOTHING_CHANGED, outOfReach, SSH_FAILED } from './reach.mts'
import { bash, type Script } from './shell.mts'
import { ANEW, CONNECT_DEADLINE, judgeLogin, type Login, sh, socketsOf, sshOptions } from './ssh.mts'

/** Seconds. A script that may take longer (a build, packages) names its own deadline. */
const SCRIPT_DEADLINE = 60

/** Seconds. A folder may be large and the line slow. */
const COPY_DEADLINE = 600

/** For sh: programs are found, and sudo speaks English, whatever the login has set. */
const PLAIN = 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8'

/** As root. -p keeps functions and startup files that the environment names out. */
const BASH = 'bash -p -s'

export interface RunOptions {
  /** Seconds until the script is ended. */
  deadline?: number
  /** Its standard input ends when we do; else it is empty, and the script goes on without us. It must not read any. */
  tied?: boolean
  /** Hears each line that it prints, as it comes. */
  hear?: (line: string) => void
  /** Ends the standard input of a script that is tied. */
  signal?: AbortSignal
}

export class Host {
  readonly #interpreters = new Interpreters(() => this.#shell(BASH))
  #asked: Promise<unknown> | undefined
  #route: Route | undefined
  readonly #words: string[]
  /** What is being done there, for whoever asks meanwhile (npm run status). */
  doing = () => ''
  /** The lock that we hold there; without one, scripts only look. */
  fence: Fence | undefined

  /**
   * @param address   `local`, or what ssh takes: `user@name`, `user@name:2222`, an alias of ssh_config
   * @param sshConfig another ssh_config(5) file; empty: the user's own
   */
  constructor(
    readonly address: string,
    private readonly sshConfig = '',
    private readonly verbose = false,
  ) {
    this.#words = this.local ? [] : sshWords(parseDestination(address))
  }

  get local(): boolean {
    return this.address === 'local'
  }

  /** How people call it. */
  get name(): string {
    return this.local ? 'this machine' : this.address
  }

  /** What to type to log in there. */
  get loginCommand(): string {
    const config = this.sshConfig ? ['-F', this.sshConfig] : []
    return ['ssh', ...config, ...this.#words].join(' ')
  }

  /** Where ssh connects to. @throws OperatorError when its configuration cannot be read */
  get route(): Route {
    this.#route ??= this.local ? { hostname: 'localhost', jumps: false } : askRoute([...this.#ssh])
    return this.#route
  }

  /** Runs a script as root and returns what it printed; throws a CommandError with its last lines. */
  async run(purpose: string, script: Script, options: RunOptions = {}): Promise<string> {
    if (this.verbose) say(`  ${purpose}`)
    const { exitCode, stdout, stderr } = await this.attempt(script, options)
    if (exitCode === 0) return stdout
    throw new CommandError(purpose, exitCode, `${stdout}\n${stderr}`)
  }

  /** Runs a script as root; its exit code is the caller's to judge. Throws only when the server is out of reach. */
  async attempt(script: Script, options: RunOptions = {}): Promise<Output> {
    await this.#connect()
    return await this.#heard(this.#begin(script, options.tied ? 'tied' : 'none'), options)
  }

  /**
   * Streams files and folders of a local folder to the server, in place of what is there. Their modes are of what the
   * owner may do, whatever umask they were made under: a release is named by no more than that.
   * @param names as paths below the folder; a folder comes without what is in it
   */
  async copyFolder(from: string, names: string[], to: string): Promise<void> {
    await this.#connect()
    const modes = ['--owner=0', '--group=0', '--mode=a-st,u+rw,go=u,go-w']
    const listed = ['--no-recursion', '--null', '--verbatim-files-from', '--files-from=-']
    // It ends after its input: over a shared connection, ssh now and then never told the end of one that ended before.
    const script = bash`rm -rf ${to}; mkdir -p ${to}; tar -x -C ${to}; cat >/dev/null`
    const unpack = this.#begin(script, 'last')
    const tar = feed(['tar', '-c', '-C', from, ...modes, ...listed], names.join('\0'), unpack.child)
    const outputs = await Promise.all([tar, this.#heard(unpack, { deadline: COPY_DEADLINE })])
    // One that was only ended since the other had failed is not the reason.
    const failed =
      outputs.find(({ exitCode }) => exitCode) ?? outputs.find(({ exitCode }) => exitCode === null)
    if (failed) throw new CommandError(`Copying ${from} to ${this.name}`, failed.exitCode, failed.stderr)
  }

  /** Writes files atomically with their modes, owned by root; returns the paths whose content or mode changed. */
  async writeFiles(files: ServerFile[]): Promise<string[]> {
    const output = await this.run('Writing files', writeScript(files))
    return output.split('\n').filter(Boolean)
  }

  /**
   * A long-lived session for what must end with this process: its standard input closes when we are gone.
   * What the script prints is read by linesOf(session.stdout).
   */
  async session(script: Script): Promise<Running> {
    await this.#connect()
    return this.#begin(script, 'last').child
  }

  /**
   * Runs a script as root on this process's own terminal or pipes, for a person; returns its exit code. Its text stands on a
   * command line, since the standard input is the person's: nothing secret may be in it.
   */
  async attach(script: Script): Promise<number> {
    await this.#connect()
    const terminal = onTerminal()
    const words = this.#shell(`bash -p -c ${sh(headed(script, !terminal))}`, terminal)
    return await attached(words, terminal ? undefined : behindHead)
  }

  /**
   * Logs in anew over ssh, whatever connection is open already.
   * @param server a command that is sshd for this one login, run as root there; without it the real one is called
   */
  async login(server = ''): Promise<Login> {
    // ssh puts values in place of % signs in the command that is its connection.
    const proxy = server
      ? ['-o', `ProxyCommand=${this.#shell(server).map(sh).join(' ').replaceAll('%', '%%')}`]
      : []
    return judgeLogin(
      await ended(start(['ssh', ...ANEW, ...proxy, ...this.#ssh, 'true']), 3 * CONNECT_DEADLINE),
    )
  }

  /**
   * Opens a way to a port of the server's own loopback, through the connection that we have.
   * @returns the path of a socket here; it stays for as long as the connection
   */
  async forward(port: number): Promise<string> {
    await this.#connect()
    const socket = `${socketsOf(this.sshConfig, this.#words)}-${port}`
    const way = ['-o', 'StreamLocalBindUnlink=yes', '-O', 'forward', '-L', `${socket}:127.0.0.1:${port}`]
    const { exitCode, stderr } = await ended(start(['ssh', ...way, ...this.#ssh]), CONNECT_DEADLINE)
    if (exitCode !== 0) throw new CommandError(`Opening a way to port ${port}`, exitCode, stderr)
    return socket
  }

  #connect(): Promise<unknown> {
    const options = { deadline: 2 * CONNECT_DEADLINE }
    this.#asked ??= this.#heard(this.#begin(bash`true`), options, NOTHING_CHANGED)
    return this.#asked
  }

  /** Has a free interpreter begin a script. */
  #begin(script: Script, input: Input = 'none'): Interpreter {
    const interpreter = this.#interpreters.next()
    interpreter.begin(framed(script, input, this.fence && guard(this.fence)), input === 'last')
    return interpreter
  }

  /** What the script printed, and nothing of what the login did. @param state what is told when there is no way to it */
  async #heard(interpreter: Interpreter, options: RunOptions, state = GOES_ON): Promise<Output> {
    const { deadline = SCRIPT_DEADLINE, hear, signal } = options
    const shown = this.verbose ? [lineByLine('stdout', say), lineByLine('stderr', say)] : []
    const listeners = hear ? [lineByLine('stdout', hear), ...shown] : shown
    const before = interpreter.used
    const output = await interpreter.ended(deadline, signal, (now) => {
      for (const listener of listeners) listener(now)
    })
    const [stdout, stderr] = [unframed(output.stdout), unframed(output.stderr)]
    const exitCode = stdout.code ?? output.exitCode
    const lost = exitCode === SSH_FAILED && stdout.code === undefined && !this.local
    if (lost && (stdout.began || before)) throw cutOff(this, stderr.began ? stderr.text : output.stderr)
    if (!stdout.began) throw outOfReach(this, exitCode, `${output.stdout}\n${output.stderr}`, state)
    checkRefused(this.fence, exitCode, stderr.text)
    return { exitCode, stdout: stdout.text, stderr: stderr.text }
  }

  /** Options and destination. */
  get #ssh(): string[] {
    return [...sshOptions(this.sshConfig, this.#words), ...this.#words]
  }

  /** The command that runs `command` as root there, in words for sh, which every login shell can start. */
  #shell(command: string, terminal = false): string[] {
    const asRoot = `${PLAIN}; if [ "$(id -u)" = 0 ]; then exec ${command}; else exec sudo -n ${command}; fi`
    const options = terminal ? ['-t', ...this.#ssh] : this.#ssh
    return this.local ? ['/bin/sh', '-c', asRoot] : ['ssh', ...options, `exec /bin/sh -c ${sh(asRoot)}`]
  }
}
