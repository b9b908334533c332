/** The way to the server: the commands on this machine that start a program there, directly or over ssh. */

import { CommandError } from '../cli/errors.mts'
import { askRoute, parseDestination, type Route, sshWords } from './destination.mts'
import { ended, start } from './process.mts'
import { ANEW, CONNECT_DEADLINE, judgeLogin, type Login, sh, socketsOf, sshOptions } from './ssh.mts'

/** Sets PATH, so that sh finds every program, and the locale, so that the messages of sudo are in English. */
const PLAIN = 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8'

export class Connection {
  #route: Route | undefined
  readonly #words: string[]

  /**
   * @param address   `local`, or what ssh takes: `user@name`, `user@name:2222`, an alias of ssh_config
   * @param sshConfig path of another ssh_config(5) file; empty: the user's own
   */
  constructor(
    readonly address: string,
    private readonly sshConfig = '',
  ) {
    this.#words = this.local ? [] : sshWords(parseDestination(address))
  }

  get local(): boolean {
    return this.address === 'local'
  }

  /** The server's name in messages. */
  get name(): string {
    return this.local ? 'this machine' : this.address
  }

  /** The command that a person types to log in. */
  get loginCommand(): string {
    const config = this.sshConfig ? ['-F', this.sshConfig] : []
    return ['ssh', ...config, ...this.#words].join(' ')
  }

  /** Where ssh connects to. @throws OperatorError when ssh cannot read its configuration */
  get route(): Route {
    this.#route ??= this.local ? { hostname: 'localhost', jumps: false } : askRoute(this.#ssh)
    return this.#route
  }

  /**
   * Logs in over ssh by a new connection, also when another one is open.
   * @param server a command for this one login that acts as sshd and runs as root on the server; empty: the real sshd
   */
  async login(server = ''): Promise<Login> {
    // ssh replaces % signs in the command that it connects through.
    const proxy = server
      ? ['-o', `ProxyCommand=${this.shell(server).map(sh).join(' ').replaceAll('%', '%%')}`]
      : []
    return judgeLogin(
      await ended(start(['ssh', ...ANEW, ...proxy, ...this.#ssh, 'true']), 3 * CONNECT_DEADLINE),
    )
  }

  /**
   * Forwards a socket of this machine to a port on the server's loopback, through the open connection.
   * @returns the path of the socket; it exists as long as the connection
   */
  async forward(port: number): Promise<string> {
    const socket = `${socketsOf(this.sshConfig, this.#words)}-${port}`
    const way = ['-o', 'StreamLocalBindUnlink=yes', '-O', 'forward', '-L', `${socket}:127.0.0.1:${port}`]
    const { exitCode, stderr } = await ended(start(['ssh', ...way, ...this.#ssh]), CONNECT_DEADLINE)
    if (exitCode !== 0) throw new CommandError(`Forwarding to port ${port}`, exitCode, stderr)
    return socket
  }

  /**
   * The command on this machine that runs `command` as root on the server. It needs only sh there, which every login
   * shell can start.
   * @param terminal whether the command gets a terminal of its own
   */
  protected shell(command: string, terminal = false): string[] {
    const asRoot = `${PLAIN}; if [ "$(id -u)" = 0 ]; then exec ${command}; else exec sudo -n ${command}; fi`
    const options = terminal ? ['-t', ...this.#ssh] : this.#ssh
    return this.local ? ['/bin/sh', '-c', asRoot] : ['ssh', ...options, `exec /bin/sh -c ${sh(asRoot)}`]
  }

  /** ssh's options and its destination. */
  get #ssh(): string[] {
    return [...sshOptions(this.sshConfig, this.#words), ...this.#words]
  }
}
