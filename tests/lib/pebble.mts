/** A real ACME server (Debian's pebble) with real http-01 validation, and the DNS that it asks. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import https from 'node:https'
import path from 'node:path'
import process from 'node:process'
import { $ } from 'zx'
import { Pki } from './pki.mts'
import { freePort } from './ports.mts'
import { until } from './until.mts'

export class Pebble {
  readonly #children: ChildProcess[] = []
  #said = ''

  private constructor(
    private readonly pki: Pki,
    private readonly address: string,
    private readonly ports: { acme: number; management: number; dns: number; names: number },
  ) {}

  /**
   * @param httpPort where it asks for the proof, instead of port 80
   * @param at       this machine's address where certbot reaches it; without it, the one on Docker's bridge
   */
  static async start(httpPort: number, at?: string): Promise<Pebble> {
    const ports = { acme: 0, management: 0, dns: 0, names: 0 }
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort()
    const pebble = new Pebble(await Pki.make(), at ?? (await gateway()), ports)
    await pebble.#begin(httpPort)
    return pebble
  }

  /** What goes into stack.yaml: certbot reaches it on Docker's bridge, and verifies it by a root of its own. */
  get settings(): { directory: string; ca: string } {
    return { directory: `https://${this.address}:${this.ports.acme}/dir`, ca: this.#file('ca.pem') }
  }

  /** PEM of the root below which it issues. */
  async root(): Promise<string> {
    return await this.#get(`https://127.0.0.1:${this.ports.management}/roots/0`)
  }

  /** Lets a name lead to an address; without a word of this every name leads to 127.0.0.1. */
  async lead(name: string, address: string): Promise<void> {
    const body = JSON.stringify({ host: `${name}.`, addresses: [address] })
    await fetch(`http://127.0.0.1:${this.ports.names}/clear-a`, { method: 'POST', body })
    const told = await fetch(`http://127.0.0.1:${this.ports.names}/add-a`, { method: 'POST', body })
    if (!told.ok) throw new Error(`challtestsrv: ${told.status}`)
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    this.pki.remove()
  }

  async #begin(httpPort: number): Promise<void> {
    const { acme, management, dns, names } = this.ports
    const pair = await this.pki.issued({ names: `IP:${this.address},IP:127.0.0.1` })
    writeFileSync(this.#file('ca.pem'), this.pki.root)
    writeFileSync(this.#file('server.pem'), pair.certificate)
    writeFileSync(this.#file('server.key'), pair.key)
    const pebble = {
      listenAddress: `${this.address}:${acme}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: this.#file('server.pem'),
      privateKey: this.#file('server.key'),
      httpPort,
      tlsPort: 1,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
      domainBlocklist: ['blocked.test'],
      certificateValidityPeriod: 90 * 24 * 3600,
    }
    writeFileSync(this.#file('pebble.json'), JSON.stringify({ pebble }))
    const off = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', '']
    this.#run('pebble-challtestsrv', [
      '-dns01',
      `127.0.0.1:${dns}`,
      '-management',
      `127.0.0.1:${names}`,
      ...off,
    ])
    this.#run('pebble', ['-config', this.#file('pebble.json'), '-dnsserver', `127.0.0.1:${dns}`])
    await until(`pebble answers\n${this.#said}`, () =>
      this.root().then(
        () => fetch(`http://127.0.0.1:${names}/`).then(() => true),
        () => false,
      ),
    )
  }

  #run(command: string, args: string[]): void {
    // A reused authorization would be no validation. Of the nonces that pebble refuses on purpose, certbot takes one in
    // a row: two would fail a test in four.
    const own = { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '0', PEBBLE_WFE_NONCEREJECT: '0' }
    const env = { ...process.env, ...own }
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (this.#said += data))
    this.#children.push(child)
  }

  #file(name: string): string {
    return path.join(this.pki.folder, name)
  }

  #get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = https.get(url, { ca: this.pki.root, agent: false }, (response) => {
        let body = ''
        response.on('data', (data) => (body += data))
        response.on('end', () => resolve(body))
      })
      request.on('error', reject)
    })
  }
}

/** This machine's address on Docker's bridge, where containers reach it; it is there while the bridge is idle, too. */
async function gateway(): Promise<string> {
  const { stdout } = await $({ quiet: true })`ip -4 -o addr show docker0`
  const address = /inet ([\d.]+)/.exec(stdout)?.[1]
  if (!address) throw new Error('this machine has no docker0 with an IPv4 address')
  return address
}
