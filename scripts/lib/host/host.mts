/**
 * The server: this machine, or another one over ssh. It needs only sshd, a shell and sudo. A script goes to the standard
 * input of a `bash -s`, which takes script after script. So no remote shell has to parse a quoted script, and no secret
 * is on a command line.
 */

import { CommandError, NOTHING_CHANGED, type OperatorError } from '../cli/errors.mts'
import { say } from '../cli/say.mts'
import { Connection } from './connection.mts'
import { checkRefused, type Fence, guard } from './fence.mts'
import { type ServerFile, writeScript } from './files.mts'
import { behindHead, framed, headed, type Input, lineByLine, unframed } from './frame.mts'
import { type Interpreter, Interpreters } from './interpreter.mts'
import type { Output, Running, RunOptions } from './process.mts'
import { attached, bothEnded, counting, feed, onTerminal } from './process.mts'
import type { Quorum } from './quorum.mts'
import { bash, type Script } from './shell.mts'
import { CONNECT_DEADLINE, sh } from './ssh.mts'
import { connectionCut, GOES_ON, SSH_FAILED, unreachable } from './unreachable.mts'

/** Seconds. A script that may take longer (a build, packages) has its own deadline. */
const SCRIPT_DEADLINE = 60

/** Seconds. A folder may be large and the connection slow. */
const COPY_DEADLINE = 600

/** -p ignores startup files and functions from the environment. */
const BASH = 'bash -p -s'

export class Host extends Connection {
  readonly #interpreters = new Interpreters(() => this.shell(BASH))
  #connected: Promise<unknown> | undefined
  /** Says what this run is doing now; other runs see it by npm run status. */
  doing = () => ''
  /** The lock that this run holds on the server; undefined: its scripts change nothing. */
  fence: Fence | undefined
  /** With several hosts: those that hold the lock together. Undefined: this one alone holds it. */
  quorum: Quorum | undefined
  /** Runs before everything else on the server. If it fails, nothing else runs, and `refusal` is thrown. */
  entry: { script: Script; refusal?: OperatorError } = { script: bash`true` }

  /** @param verbose whether to print the purpose and the output of each script; the others: see {@link Connection} */
  constructor(
    address: string,
    sshConfig = '',
    private readonly verbose = false,
  ) {
    super(address, sshConfig)
  }

  /**
   * Runs a script as root.
   * @param purpose what the script is for, in messages: `Installing packages`
   * @returns what it printed on standard output
   * @throws CommandError when it fails; OperatorError when the server cannot be reached
   */
  async run(purpose: string, script: Script, options: RunOptions = {}): Promise<string> {
    if (this.verbose) say(`  ${purpose}`)
    const { exitCode, stdout, stderr } = await this.attempt(script, options)
    if (exitCode === 0) return stdout
    throw new CommandError(purpose, exitCode, `${stdout}\n${stderr}`)
  }

  /** Runs a script like {@link run}, and returns the lines that it printed, without empty ones. */
  async lines(purpose: string, script: Script, options: RunOptions = {}): Promise<string[]> {
    return (await this.run(purpose, script, options)).split('\n').filter(Boolean)
  }

  /** Runs a script as root; the caller judges its exit code. @throws OperatorError when the server cannot be reached */
  async attempt(script: Script, options: RunOptions = {}): Promise<Output> {
    await this.#connect()
    return await this.#heard(this.#begin(script, options.tied ? 'tied' : 'none'), options)
  }

  /**
   * Copies files and folders of a local folder to the server, in place of the folder there. Of the modes only those of
   * the owner count, since a release is named by no more than that: the umask of this machine changes nothing.
   * @param names paths below the folder; a folder comes without its content
   * @throws CommandError when one of them cannot be read or written
   */
  async copyFolder(from: string, names: string[], to: string): Promise<void> {
    await this.#connect()
    const modes = ['--owner=0', '--group=0', '--mode=a-st,u+rw,go=u,go-w']
    const listed = ['--no-recursion', '--null', '--verbatim-files-from', '--files-from=-']
    // The script reads its input to the end: over a shared connection, ssh sometimes misses the end of a script that
    // ends before its input.
    const script = bash`rm -rf ${to}; mkdir -p ${to}; tar -x -C ${to}; cat >/dev/null`
    const unpack = this.#begin(script, 'last')
    const tar = feed(['tar', '-c', '-C', from, ...modes, ...listed], names.join('\0'), unpack.child)
    await bothEnded(`Copying ${from} to ${this.name}`, tar, this.#heard(unpack, { deadline: COPY_DEADLINE }))
  }

  /**
   * Runs a script here whose output becomes the input of a script on another server. It passes through this process, which
   * shows none of it.
   * @param purpose what both are for, in messages
   * @param from    is on a command line, so it must hold no secret
   * @param into    must read its input to the end
   * @param options `deadline` in seconds; `passed` is called with the number of bytes of each piece
   * @returns what the other script printed
   * @throws CommandError when one of them fails
   */
  async pipe(
    purpose: string,
    from: Script,
    other: Host,
    into: Script,
    {
      deadline = COPY_DEADLINE,
      passed = () => {},
    }: { deadline?: number; passed?: (bytes: number) => void } = {},
  ): Promise<string> {
    await Promise.all([this.#connect(), other.#connect()])
    const receiver = other.#begin(into, 'last')
    const words = this.shell(`bash -p -c ${sh(headed(from, true))}`)
    const sent = feed(words, '', receiver.child, behindHead(), counting(passed))
    return (await bothEnded(purpose, sent, other.#heard(receiver, { deadline }))).stdout
  }

  /** Writes files, each by one rename. @returns the paths of those whose content, mode or owner changed */
  async writeFiles(files: ServerFile[]): Promise<string[]> {
    return await this.lines('Writing files', writeScript(files))
  }

  /**
   * Starts a script that must end with this process: its standard input closes when this process ends.
   * Read its output by linesOf(session.stdout).
   */
  async session(script: Script): Promise<Running> {
    await this.#connect()
    return this.#begin(script, 'last').child
  }

  /**
   * Runs a script as root on the terminal, or the pipes, of this process, for a person. The script is on a command line,
   * since standard input is the person's: it must hold no secret.
   * @returns its exit code
   */
  async attach(script: Script): Promise<number> {
    await this.#connect()
    const terminal = onTerminal()
    const words = this.shell(`bash -p -c ${sh(headed(script, !terminal))}`, terminal)
    return await attached(words, terminal ? undefined : behindHead)
  }

  override async forward(port: number): Promise<string> {
    await this.#connect()
    return await super.forward(port)
  }

  #connect(): Promise<unknown> {
    this.#connected ??= this.#enter().catch((error) => {
      this.#connected = undefined // the next script tries again
      throw error
    })
    return this.#connected
  }

  async #enter(): Promise<void> {
    const { script, refusal } = this.entry
    const options = { deadline: 2 * CONNECT_DEADLINE }
    const { exitCode } = await this.#heard(this.#begin(script), options, NOTHING_CHANGED)
    if (exitCode !== 0 && refusal) throw refusal
  }

  /** Sends the script to a free interpreter. */
  #begin(script: Script, input: Input = 'none'): Interpreter {
    const interpreter = this.#interpreters.next()
    interpreter.begin(framed(script, input, this.fence && guard(this.fence)), input === 'last')
    return interpreter
  }

  /**
   * Waits for the end of a script. @returns its exit code and output, without the output of the login
   * @param state the state that an error reports when the server cannot be reached
   */
  async #heard(interpreter: Interpreter, options: RunOptions, state = GOES_ON): Promise<Output> {
    const { deadline = SCRIPT_DEADLINE, hear, progress, signal } = options
    const both = [this.verbose && say, progress].filter((one) => !!one)
    const shown = both.flatMap((one) => [lineByLine('stdout', one), lineByLine('stderr', one)])
    const listeners = hear ? [lineByLine('stdout', hear), ...shown] : shown
    const before = interpreter.used
    const output = await interpreter.ended(deadline, signal, (now) => {
      for (const listener of listeners) listener(now)
    })
    const [stdout, stderr] = [unframed(output.stdout), unframed(output.stderr)]
    const exitCode = stdout.code ?? output.exitCode
    const lost = exitCode === SSH_FAILED && stdout.code === undefined && !this.local
    if (lost && (stdout.began || before))
      throw connectionCut(this, stderr.began ? stderr.text : output.stderr)
    if (!stdout.began) throw unreachable(this, exitCode, `${output.stdout}\n${output.stderr}`, state)
    checkRefused(this.fence, exitCode, stderr.text)
    return { exitCode, stdout: stdout.text, stderr: stderr.text }
  }
}
