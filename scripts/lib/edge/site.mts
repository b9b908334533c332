/**
 * The site as our own clients ask it. They connect to the server's address and call the site by its name (TLS server
 * name and Host header), and they believe no other certificate than the one that the stack has installed: exactly
 * that leaf, valid now and for this name. So it is the same whoever issued it (nobody's, Let's Encrypt's or a test's
 * root), and another program's answer on the same port never counts as the site's.
 */
import { X509Certificate } from 'node:crypto'
import type { Agent, RequestOptions } from 'node:https'
import https from 'node:https'
import { isIP } from 'node:net'
import tls from 'node:tls'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { CheckedAgent, handshake } from './checked-agent.mts'

/** What openssl calls it when it knows neither a certificate nor who issued it. */
const UNKNOWN = /SELF_SIGNED|ISSUER|LEAF|SIGNATURE/

/** Seconds until a site that might be elsewhere counts as silent. */
const TRIAL = 5

type Ports = { http: number; https: number }
type Ways = { http: string; https: string }

/** Where the site answers and what it is called. */
export interface Place {
  /** Name or address to connect to. */
  address: string
  http: number
  https: number
  /** The site's DNS name; empty: it is called as it is reached. */
  domain: string
  /** Sockets here that lead to its two ports, where it is reached through the server's ssh. */
  sockets?: Ways
}

/** The name or address at which the deployment's site is found. */
export function addressOf(host: Host, stack: StackConfig): string {
  return stack.address || (host.local ? 'localhost' : host.route.hostname)
}

export class Site {
  /** PEM. */
  readonly #believed = new Set<string>()
  #reading: Promise<string> | undefined

  /**
   * @param certificate reads the PEM of the certificate that the stack has installed; it is asked again when the site
   *                    shows another one, since the certificate may be renewed while somebody asks
   */
  constructor(
    readonly place: Place,
    readonly certificate: () => Promise<string>,
  ) {}

  /** The deployment's site at its own address. @param ports others than the configured ones */
  static of(host: Host, stack: StackConfig, ports: Ports = stack.ports): Site {
    const { http, https } = ports
    const place = { address: addressOf(host, stack), domain: stack.domain, http, https }
    return new Site(place, () => readCertificate(host, stack))
  }

  /**
   * The deployment's site as this machine reaches it: at its own address, or through the server's ssh where a jump host
   * or a firewall stands between.
   * @returns also why it is not asked from here; empty when it is
   */
  static async reach(host: Host, stack: StackConfig, ports: Ports = stack.ports): Promise<[Site, string]> {
    const direct = Site.of(host, stack, ports)
    if (host.local) return [direct, '']
    const jumps = host.route.jumps && !stack.address
    const why = jumps ? 'the server is behind another host' : await direct.silence()
    if (!why) return [direct, '']
    const sockets = await forwards(host, ports)
    if (!sockets) return [direct, '']
    const through = new Site({ ...direct.place, sockets }, direct.certificate)
    const silence = await through.silence()
    if (!silence) return [through, why]
    // sshd's AllowTcpForwarding may be off, or there is no site yet.
    return jumps ? [through, `${why}, and through ssh it does not answer: ${silence}`] : [direct, '']
  }

  /** The name that clients call it by. */
  get name(): string {
    return this.place.domain || this.place.address
  }

  /** For people. */
  url(path: string): string {
    return `https://${this.#authority(this.place.https, 443)}${path}`
  }

  /** What a request over HTTPS is made with; the path is sent as it is written. */
  secure(path: string, agent: Agent, headers: Record<string, string> = {}): RequestOptions {
    const { https: port, sockets } = this.place
    const servername = isIP(this.name) ? '' : this.name
    const called = { Host: this.#authority(port, 443), ...headers }
    return { ...this.#at(port, sockets?.https), servername, path, agent, headers: called }
  }

  /** What a request over plain HTTP is made with. */
  plain(path: string, headers: Record<string, string> = {}): RequestOptions {
    const { http: port, sockets } = this.place
    return {
      ...this.#at(port, sockets?.http),
      path,
      headers: { Host: this.#authority(port, 80), ...headers },
    }
  }

  /** Why it does not answer; empty when it does, whatever it answers. */
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

  /** An agent whose connections are the site's or do not come about. */
  agent(options: https.AgentOptions = {}): CheckedAgent {
    return new CheckedAgent((options) => this.#connect(options), options)
  }

  /** What is installed is read again when the server shows another one: it may be a renewed one. */
  async #connect(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
    if (this.#believed.size === 0) await this.#read()
    const known = this.#believed.size
    try {
      return await this.#handshake(options)
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      if (!UNKNOWN.test(code)) throw error
      if (this.#believed.size === known) await this.#read()
      if (this.#believed.size > known) return await this.#handshake(options)
      throw new Error(`the server shows another certificate than the stack’s (${message})`)
    }
  }

  #handshake(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
    const checkServerIdentity: typeof tls.checkServerIdentity = (_, shown) =>
      tls.checkServerIdentity(this.name, shown)
    const believed = { ca: [...this.#believed], allowPartialTrustChain: true }
    return handshake({ ...options, ...believed, checkServerIdentity })
  }

  /**
   * Believes what is installed now besides what was: until nginx has reloaded, it shows the one before. Of a chain the
   * leaf alone: what stands behind it has issued other certificates, too.
   */
  async #read(): Promise<void> {
    this.#reading ??= this.certificate().finally(() => {
      this.#reading = undefined
    })
    const pem = await this.#reading
    if (pem.includes('BEGIN CERTIFICATE')) this.#believed.add(String(new X509Certificate(pem)))
  }

  #at(port: number, socketPath: string | undefined): RequestOptions {
    return socketPath ? { socketPath } : { host: this.place.address, port }
  }

  #authority(port: number, usual: number): string {
    const name = isIP(this.name) === 6 ? `[${this.name}]` : this.name
    return port === usual ? name : `${name}:${port}`
  }
}

/** Nothing where ssh here shares no connection: then a probe that sees nothing is no reason to stop. */
async function forwards(host: Host, ports: Ports): Promise<Ways | undefined> {
  try {
    const [http, https] = await Promise.all([host.forward(ports.http), host.forward(ports.https)])
    return { http, https }
  } catch {
    return undefined
  }
}

/** PEM of the certificate that is installed, its issuers behind it; empty when there is none yet. */
export function readCertificate(host: Host, stack: StackConfig): Promise<string> {
  const file = `${stack.folder}/nginx/tls/certificate.pem`
  return host.run('Reading the certificate', bash`cat ${file} 2>/dev/null || true`)
}
