/** A deployment of the tests' own on this machine's Docker Engine: project, folder and ports that nobody else has. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { stringify } from 'yaml'
import { $ } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'
import { Site } from '../../scripts/lib/edge/site.mts'
import type { Summary } from '../../scripts/lib/proof/probe.mts'
import { type Answer, get } from './get.mts'
import { type Load, PATIENCE, underLoad, unnoticed } from './load.mts'
import { freePort } from './ports.mts'
import { merge, type Settings } from './settings.mts'
import { ZX } from './zx.mts'

export interface Ran {
  exitCode: number | null
  /** Standard output and standard error, as a terminal would show them. */
  text: string
  stdout: string
}

export class Deployment {
  readonly home = mkdtempSync(path.join(tmpdir(), 'prusa-test-'))
  readonly folder = path.join(this.home, 'server')
  readonly project = `prusatest${randomBytes(3).toString('hex')}`
  /** How scripts are called. */
  zx = ZX
  #settings: Settings = {}

  private constructor(readonly ports: { http: number; https: number; db: number }) {}

  /** A deployment that has not begun: nothing but its configuration is there. */
  static async prepare(settings: Settings = {}): Promise<Deployment> {
    const made = new Deployment({ http: await freePort(), https: await freePort(), db: await freePort() })
    mkdirSync(path.join(made.home, 'config'))
    copyFileSync(path.join(ROOT, 'config/server.yaml'), path.join(made.home, 'config/server.yaml'))
    made.configure(settings)
    return made
  }

  /** A deployment that runs: steps 02 to 04. */
  static async start(settings: Settings = {}, prepared?: Deployment): Promise<Deployment> {
    const made = prepared ?? (await Deployment.prepare())
    made.configure(settings)
    for (const script of ['02-build', '03-db', '04-stack']) {
      const ran = await made.run(script)
      if (ran.exitCode !== 0) {
        await made.remove()
        throw new Error(`${script} failed:\n${ran.text}`)
      }
    }
    return made
  }

  /**
   * Sets keys of stack.yaml, over those set before. By default no application needs time, a rollout is one batch without a
   * canary, and its probe asks slowly.
   */
  configure(settings: Settings): void {
    this.#settings = merge(this.#settings, settings)
    const own = {
      project: this.project,
      folder: this.folder,
      ports: { http: this.ports.http, https: this.ports.https, db: this.ports.db },
      images: 'debian',
      probe: { timeout: PATIENCE, rate: 10 },
      app: { environment: NO_WAITS },
      rollout: { surge: 'all', canary: { seconds: 0 } },
      // The daily backup is a timer of this machine.
      backup: { at: '' },
    }
    writeFileSync(path.join(this.home, 'config/stack.yaml'), stringify(merge(own, this.#settings)))
  }

  /** Runs one of the scripts to its end. */
  async run(script: string, ...flags: string[]): Promise<Ran> {
    const output = await this.begin(script, ...flags)
    return { exitCode: output.exitCode, text: output.stdall, stdout: output.stdout }
  }

  /** The same, when it is not what is tested: it has to succeed. Returns what it printed. */
  async must(script: string, ...flags: string[]): Promise<string> {
    const { exitCode, text } = await this.run(script, ...flags)
    assert.equal(exitCode, 0, text)
    return text
  }

  /** Begins a script, in a process group of its own, and does not wait for it. */
  begin(script: string, ...flags: string[]) {
    const env = { ...process.env, NO_COLOR: '1' }
    const quiet = $({ cwd: ROOT, quiet: true, nothrow: true, detached: true, env })
    return quiet`${this.zx} ${`scripts/${script}.mts`} --config ${path.join(this.home, 'config')} ${flags}`
  }

  /** The release of each running replica. */
  async releases(): Promise<string[]> {
    return (await this.#listed('app', '{{.Image}}')).map((image) => image.split(':').at(-1) as string)
  }

  /** Waits until a begun script has printed something. */
  async printed(running: ReturnType<Deployment['begin']>, pattern: RegExp): Promise<void> {
    let text = ''
    await new Promise<void>((resolve, reject) => {
      const read = (data: Buffer) => {
        text += data
        if (pattern.test(text)) resolve()
      }
      running.stdout.on('data', read)
      running.stderr.on('data', read)
      running.then(() => reject(new Error(`it ended before it printed ${pattern}:\n${text}`)))
    })
  }

  get origin(): string {
    return `https://localhost:${this.ports.https}`
  }

  /** The site as clients ask it, by its domain where one is configured. */
  get site(): Site {
    const domain = String(this.#settings.domain ?? '')
    const { http, https } = this.ports
    return new Site({ address: 'localhost', domain, http, https }, async () => this.certificate)
  }

  get certificate(): string {
    return readFileSync(this.#certificate, 'utf8')
  }

  /** A command that prints it. */
  get certificateFrom(): string[] {
    return ['cat', this.#certificate]
  }

  get #certificate(): string {
    return path.join(this.folder, 'nginx/tls/certificate.pem')
  }

  secret(name: string): string {
    return readFileSync(path.join(this.folder, 'secrets', name), 'utf8').trim()
  }

  /** Does the work while a client asks the site; returns what the client saw. */
  underLoad(work: () => Promise<unknown>, load?: Load): Promise<Summary> {
    return underLoad(this.site, work, load)
  }

  /** The same, and the client must not have noticed; returns the work's own result. */
  unnoticed<T>(work: () => Promise<T>, load?: Load): Promise<T> {
    return unnoticed(this.site, work, load)
  }

  /** One request to the site. */
  get(page: string, headers: Record<string, string> = {}, method = 'GET', secure = true): Promise<Answer> {
    return get(this.site, page, headers, method, secure)
  }

  /** Names of the running containers of a service, sorted; or of all of them, whatever their state. */
  containers(service: string, all = false): Promise<string[]> {
    return this.#listed(service, '{{.Names}}', all)
  }

  /** Names of all running containers, or of all, whatever their state; no one-off ones. */
  names(all = false): Promise<string[]> {
    return this.#listed('', '{{.Names}}', all)
  }

  async #listed(service: string, format: string, all = false): Promise<string[]> {
    const labels = [`project=${this.project}`, service ? `service=${service}` : 'oneoff=False']
    const filters = labels.map((label) => `--filter=label=com.docker.compose.${label}`)
    const { stdout } = await docker`docker ps --all=${all} ${filters} --format ${format}`
    return stdout.split('\n').filter(Boolean).sort()
  }

  /**
   * The lines that the running containers of a service have logged, one container after the other.
   * @param since ISO 8601; without it all of them
   */
  async logged(service: string, since = ''): Promise<string[]> {
    const names = await this.containers(service)
    const logs = names.map((name) => docker`docker logs --since=${since} ${name}`)
    return (await Promise.all(logs)).flatMap(({ stdall }) => stdall.split('\n'))
  }

  /** Ids of all containers of the project, sorted: the same before and after when nothing was replaced. */
  async ids(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${this.project}`
    const { stdout } = await docker`docker ps -aq --no-trunc --filter ${label}`
    return stdout.split('\n').filter(Boolean).sort()
  }

  /** Takes everything away: containers, networks, volumes, the application's images, files. */
  async remove(): Promise<void> {
    const label = `label=com.docker.compose.project=${this.project}`
    const each = async (listing: PromiseLike<{ stdout: string }>, ...remove: string[]) => {
      const found = (await listing).stdout.split('\n').filter(Boolean)
      if (found.length > 0) await docker`docker ${remove} ${found}`
    }
    const images = ['--filter', `reference=${this.project}/*`, '--format', '{{.Repository}}:{{.Tag}}']
    await each(docker`docker ps -aq --filter ${label}`, 'rm', '-fv')
    await Promise.all([
      each(docker`docker network ls -q --filter ${label}`, 'network', 'rm'),
      each(docker`docker volume ls -q --filter ${label}`, 'volume', 'rm'),
      each(docker`docker images ${images}`, 'rmi', '-f'),
    ])
    rmSync(this.home, { recursive: true, force: true })
  }
}

/** Of the application in app/, and of the one in tests/apps/minimal. */
const NO_WAITS = { WARMUP_SECONDS: '0', DRAIN_SECONDS: '0', MINIMAL_WARMUP: '0', MINIMAL_DRAIN: '0' }

/** Docker, quietly; a failing command throws. */
export const docker = $({ quiet: true })
