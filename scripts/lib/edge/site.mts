/**
 * The site as our own clients reach it. They connect to the server's address and use the site's name (TLS server name
 * and Host header). They trust exactly the installed certificate, valid now and for this name, whoever issued it. So
 * another program's response on the same port never counts as the site's.
 */
import { X509Certificate } from 'node:crypto'
import type { Agent, RequestOptions } from 'node:https'
import https from 'node:https'
import { isIP } from 'node:net'
import tls from 'node:tls'
import type { StackConfig } from '../config/config.mts'
import { printing } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { CheckedAgent, handshake } from './checked-agent.mts'

/** openssl's error codes for a certificate that it does not trust. */
const UNKNOWN = /SELF_SIGNED|ISSUER|LEAF|SIGNATURE/

/** Seconds for the first answer, before another route to the site is tried. */
const TRIAL = 5

type Ports = { http: number; https: number }
type Sockets = { http: string; https: string }

/** Where the site answers, and its name. */
export interface SiteLocation {
  /** Name or address to connect to. */
  address: string
  http: number
  https: number
  /** The site's DNS name; empty: its name is the address. */
  domain: string
  /** Unix sockets on this machine that lead to its two ports through ssh. */
  sockets?: Sockets
}

/** The name or address at which clients reach the site. */
export function addressOf(host: Host, stack: StackConfig): string {
  return stack.address || (host.local ? 'localhost' : host.route.hostname)
}

export class Site {
  /** PEM of each trusted certificate. */
  readonly #trusted = new Set<string>()
  #reading: Promise<string> | undefined

  /**
   * @param certificate reads the PEM of the installed certificate; called again when the site shows another one, since
   *                    the certificate may be renewed at any time
   */
  constructor(
    readonly location: SiteLocation,
    readonly certificate: () => Promise<string>,
  ) {}

  /** The deployment's site at its own address. */
  static of(host: Host, stack: StackConfig, ports: Ports = stack.ports): Site {
    const { http, https } = ports
    const location = { address: addressOf(host, stack), domain: stack.domain, http, https }
    return new Site(location, () => readCertificate(host, stack))
  }

  /**
   * The deployment's site as this machine reaches it: at its own address, or through ssh if a jump host or a firewall
   * is in between.
   * @returns the site, and why it is reached through ssh; empty when it is reached directly
   */
  static async reach(host: Host, stack: StackConfig, ports: Ports = stack.ports): Promise<[Site, string]> {
    const direct = Site.of(host, stack, ports)
    if (host.local) return [direct, '']
    const jumps = host.route.jumps && !stack.address
    const why = jumps ? 'the server is behind another host' : await direct.silence()
    if (!why) return [direct, '']
    const sockets = await forwards(host, ports)
    if (!sockets) return [direct, '']
    const through = new Site({ ...direct.location, sockets }, direct.certificate)
    const silence = await through.silence()
    if (!silence) return [through, why]
    // AllowTcpForwarding of sshd may be off, or the site does not exist yet.
    return jumps ? [through, `${why}, and through ssh it does not answer: ${silence}`] : [direct, '']
  }

  /** The name that clients use. */
  get name(): string {
    return this.location.domain || this.location.address
  }

  url(path: string): string {
    return `https://${this.#authority(this.location.https, 443)}${path}`
  }

  /** The options of a request over HTTPS. @param path sent exactly as given */
  secure(path: string, agent: Agent, headers: Record<string, string> = {}): RequestOptions {
    const { https: port, sockets } = this.location
    const servername = isIP(this.name) ? '' : this.name
    const all = { Host: this.#authority(port, 443), ...headers }
    return { ...this.#at(port, sockets?.https), servername, path, agent, headers: all }
  }

  /** The options of a request over plain HTTP. */
  plain(path: string, headers: Record<string, string> = {}): RequestOptions {
    const { http: port, sockets } = this.location
    return {
      ...this.#at(port, sockets?.http),
      path,
      headers: { Host: this.#authority(port, 80), ...headers },
    }
  }

  /** Why the site does not answer; empty when it answers, with any status. */
  silence(): Promise<string> {
    const agent = this.agent({ timeout: TRIAL * 1000 })
    return new Promise<string>((resolve) => {
      const signal = AbortSignal.timeout(TRIAL * 1000)
      const request = https.get({ ...this.secure('/', agent), signal }, (response) => {
        response.resume()
        resolve('')
      })
      request.on('error', ({ message }) => resolve(signal.aborted ? `no answer within ${TRIAL} s` : message))
    }).finally(() => agent.destroy())
  }

  /** An agent that connects to this site only. */
  agent(options: https.AgentOptions = {}): CheckedAgent {
    return new CheckedAgent((options) => this.#connect(options), options)
  }

  /** Reads the installed certificate again if the server shows another one, which may be a renewed one. */
  async #connect(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
    if (this.#trusted.size === 0) await this.#read()
    const known = this.#trusted.size
    try {
      return await this.#handshake(options)
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      if (!UNKNOWN.test(code)) throw error
      if (this.#trusted.size === known) await this.#read()
      if (this.#trusted.size > known) return await this.#handshake(options)
      throw new Error(`the server does not show the installed certificate (${message})`)
    }
  }

  #handshake(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
    const checkServerIdentity: typeof tls.checkServerIdentity = (_, shown) =>
      tls.checkServerIdentity(this.name, shown)
    const trust = { ca: [...this.#trusted], allowPartialTrustChain: true }
    return handshake({ ...options, ...trust, checkServerIdentity })
  }

  /**
   * Trusts the installed certificate as well as earlier ones, which nginx shows until it is reloaded. Only the leaf: its
   * issuers have issued other certificates, too.
   */
  async #read(): Promise<void> {
    this.#reading ??= this.certificate().finally(() => {
      this.#reading = undefined
    })
    const pem = await this.#reading
    if (pem.includes('BEGIN CERTIFICATE')) this.#trusted.add(String(new X509Certificate(pem)))
  }

  #at(port: number, socketPath: string | undefined): RequestOptions {
    return socketPath ? { socketPath } : { host: this.location.address, port }
  }

  #authority(port: number, usual: number): string {
    const name = isIP(this.name) === 6 ? `[${this.name}]` : this.name
    return port === usual ? name : `${name}:${port}`
  }
}

/** Forwards the site's ports through ssh; undefined if ssh cannot, for example without a shared connection. */
async function forwards(host: Host, ports: Ports): Promise<Sockets | undefined> {
  try {
    const [http, https] = await Promise.all([host.forward(ports.http), host.forward(ports.https)])
    return { http, https }
  } catch {
    return undefined
  }
}

/** PEM of the installed certificate, then its issuers; empty when there is none yet. */
export function readCertificate(host: Host, stack: StackConfig): Promise<string> {
  const file = `${stack.folder}/nginx/tls/certificate.pem`
  return host.run('Reading the certificate', printing([file]))
}
