/** Three prepared servers on a network of their own, and the scripts that a person runs for all of them. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { stringify } from 'yaml'
import { $ } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { Site } from '../../scripts/lib/edge/site.mts'
import type { View } from '../../scripts/lib/swarm/view.mts'
import { debianImages } from '../lib/base-images.mts'
import { type Asked, Everywhere } from '../lib/everywhere.mts'
import { LONG } from '../lib/long.mts'
import { merge, type Settings } from '../lib/settings.mts'
import { ZX } from '../lib/zx.mts'
import { type DisposableServer, loadImages, startServer } from './disposable.mts'

/** What is left of the deployment on a server. */
export const LEFT = `
docker ps -aq; docker volume ls -q; docker network ls --format '{{.Name}}' | grep prusa
ls -A /opt/prusa /etc/systemd/system | grep prusa; docker images | grep prusa/; docker info -f '{{.Swarm.LocalNodeState}}' | grep -v inactive`

/** Seconds. */
const DEADLINE = 600
const NUMBER = 3
/** Requests per second of a client: in npm test fewer, since they take the processors' time from what they watch. */
const RATE = LONG ? 100 : 20

const quiet = $({ quiet: true })

export class Hosts {
  readonly #home = mkdtempSync(path.join(tmpdir(), 'prusa-hosts-'))
  readonly servers: DisposableServer[] = []
  readonly #addresses: string[]
  #used = NUMBER
  #more: Settings = {}

  private constructor(
    private readonly range: string,
    private readonly settings: Settings,
  ) {
    this.#addresses = Array.from({ length: NUMBER }, (_, index) => `${range}.${11 + index}`)
  }

  /** @param settings keys of stack.yaml, over those of the tests */
  static async start(settings: Settings = {}): Promise<Hosts> {
    // A range that nobody else has (RFC 2544); another one for each run.
    const range = `198.18.${Math.floor(Math.random() * 256)}`
    const hosts = new Hosts(range, settings)
    try {
      await quiet`docker network create --subnet ${range}.0/24 ${hosts.#network}`
      await hosts.#begin()
      return hosts
    } catch (error) {
      await hosts.remove()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const begun = this.#addresses.map((address) =>
      startServer('bookworm', 'prepared', { network: this.#network, address }),
    )
    for (const one of await Promise.allSettled(begun))
      if (one.status === 'fulfilled') this.servers.push(one.value)
    await Promise.all(begun)
    const [first] = this.servers as [DisposableServer]
    // One identity for all.
    for (const { exec } of this.servers) await exec(`echo '${first.publicKey}' >>/root/.ssh/authorized_keys`)
    cpSync(path.join(ROOT, 'app'), this.#source, { recursive: true })
    cpSync(path.join(ROOT, 'config'), this.#config, { recursive: true })
    this.use(NUMBER)
    const { certbot: _, ...images } = debianImages()
    await loadImages(first, Object.values(images))
  }

  /** From now on, the scripts are for so many of the servers, the first ones. */
  use(number: number): void {
    this.#used = number
    this.configure()
  }

  /** Sets more keys of stack.yaml, until the next call. */
  configure(settings: Settings = {}): void {
    this.#more = settings
    writeFileSync(path.join(this.#config, 'stack.yaml'), stringify(merge(this.#stack(), settings)))
  }

  #stack() {
    const environment = { WARMUP_SECONDS: '1', DRAIN_SECONDS: '1' }
    const own = {
      hosts: this.names.slice(0, this.#used),
      swarm: { encrypted: 'no' },
      ssh_config: this.servers[0]?.sshConfig,
      images: 'debian',
      app: { source: this.#source, replicas: NUMBER, environment },
      rollout: { ready_timeout: 120 },
    }
    return merge(own, this.settings)
  }

  /** This machine's address on their network. */
  get gateway(): string {
    return `${this.range}.1`
  }

  get #network(): string {
    return path.basename(this.#home).toLowerCase()
  }
  get #config(): string {
    return path.join(this.#home, 'config')
  }
  get #source(): string {
    return path.join(this.#home, 'app')
  }

  /** As in `hosts` of stack.yaml. */
  get names(): string[] {
    return this.#addresses.map((address) => `root@${address}`)
  }

  /** The site at each host. All show the same certificate. */
  get sites(): Site[] {
    const domain = String(merge(this.settings, this.#more).domain ?? '')
    const certificate = async () => {
      for (const { exec } of this.servers) {
        const { stdout } = await exec('cat /opt/prusa/nginx/tls/certificate.pem')
        if (stdout) return stdout
      }
      return '' // all are lost
    }
    return this.#addresses.map((address) => new Site({ address, domain, http: 80, https: 443 }, certificate))
  }

  /** Begins a script and does not wait for it. */
  begin(script: string, ...words: string[]) {
    const env = { ...process.env, NO_COLOR: '1' }
    const started = $({ cwd: ROOT, quiet: true, nothrow: true, env, timeout: `${DEADLINE}s`, detached: true })
    return started`${ZX} ${`scripts/${script}.mts`} --config ${this.#config} ${words}`
  }

  async run(script: string, ...words: string[]) {
    const { exitCode, stdall, stdout } = await this.begin(script, ...words)
    return { exitCode, text: stdall, stdout }
  }

  /** The same with something on its standard input. */
  async fed(input: string, script: string, ...words: string[]) {
    const running = this.begin(script, ...words)
    running.stdin.end(input)
    const { exitCode, stdall, stdout } = await running
    return { exitCode, text: stdall, stdout }
  }

  /** Runs a script that must succeed; returns what it said. */
  async must(script: string, ...words: string[]): Promise<string> {
    const { exitCode, text } = await this.run(script, ...words)
    assert.equal(exitCode, 0, text)
    return text
  }

  async status(): Promise<View> {
    return JSON.parse((await this.run('status', '--json')).stdout)
  }

  /** Another release. */
  edit(from: string, to: string): void {
    const file = path.join(this.#source, 'app.py')
    const text = readFileSync(file, 'utf8')
    assert.ok(text.includes(from))
    writeFileSync(file, text.replace(from, to))
  }

  /** Begins a script and kills it once it has said a word. */
  async killed(word: string, script: string, ...words: string[]): Promise<void> {
    const running = this.begin(script, ...words)
    let said = ''
    for await (const text of running.stderr) {
      said += text
      if (said.includes(word)) break
    }
    assert.ok(said.includes(word), said)
    await running.kill('SIGKILL')
    await running
  }

  /** Does the work while a client asks hosts, all unless told otherwise; returns the requests that failed. */
  async watched(work: () => Promise<unknown>, sites = this.sites): Promise<Asked[]> {
    const client = await Everywhere.start(sites, RATE)
    try {
      const began = Date.now()
      await work()
      const samples = await client.since(began)
      assert.ok(samples.length > 0)
      return samples.filter(({ error }) => error)
    } finally {
      await client.stop()
    }
  }

  /** Leaves nothing behind. */
  async remove(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.remove()))
    await quiet`docker network rm ${this.#network}`.nothrow()
    rmSync(this.#home, { recursive: true })
  }
}
