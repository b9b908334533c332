/** What a person does to a server from here: a configuration of their own and the scripts, always over ssh. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { $ } from 'zx'
import { ROOT, type User } from '../../scripts/lib/config/config.mts'
import { Site } from '../../scripts/lib/edge/site.mts'
import type { Service } from '../../scripts/lib/images/images.mts'
import { debianImages, makeBaseImages } from '../lib/base-images.mts'
import type { Ran } from '../lib/deployment.mts'
import { type Answer, get } from '../lib/get.mts'
import { unnoticed } from '../lib/load.mts'
import type { Settings } from '../lib/settings.mts'
import { ZX } from '../lib/zx.mts'
import { type DisposableServer, loadImages } from './disposable.mts'

/** Seconds. */
const DEADLINE = 600

const CERTIFICATE = 'cat /opt/prusa/nginx/tls/certificate.pem'

/** What steps say that changed nothing. */
const NOTHING_TO_DO = /nothing to do|are there|GB free/

export class Operator {
  readonly #home = mkdtempSync(path.join(tmpdir(), 'prusa-operator-'))
  #domain = ''

  constructor(
    readonly server: DisposableServer,
    settings: Settings = {},
  ) {
    mkdirSync(this.#config)
    this.configure(settings)
    this.users(() => {})
  }

  get #config(): string {
    return path.join(this.#home, 'config')
  }

  /** Writes stack.yaml: the server's ports, images from the Debian archive, an application and rollouts that need no time. */
  configure(settings: Settings = {}): void {
    const own = {
      ssh_config: this.server.sshConfig,
      ports: { http: this.server.httpPort, https: this.server.httpsPort },
      images: 'debian',
      app: { environment: { WARMUP_SECONDS: '0', DRAIN_SECONDS: '0' } },
      rollout: { canary: { seconds: 0 } },
    }
    this.#domain = String(settings.domain ?? '')
    writeFileSync(path.join(this.#config, 'stack.yaml'), stringify({ ...own, ...settings }))
  }

  /** Writes server.yaml: the repository's own, with the users edited and with other keys. */
  users(edit: (users: User[]) => void, more: Settings = {}): void {
    const config = parse(readFileSync(path.join(ROOT, 'config/server.yaml'), 'utf8'))
    edit(config.users)
    writeFileSync(path.join(this.#config, 'server.yaml'), stringify({ ...config, ...more }))
  }

  /** A file of ssh_config(5) with these hosts besides the server's own settings. */
  sshConfig(hosts: string): string {
    const file = path.join(mkdtempSync(path.join(this.#home, 'ssh-')), 'config')
    writeFileSync(file, `${hosts}\n${readFileSync(this.server.sshConfig, 'utf8')}`)
    return file
  }

  /** Runs one of the scripts as root over ssh, or with the flags given. */
  async run(script: string, ...flags: string[]): Promise<Ran> {
    const { exitCode, stdall, stdout } = await this.begin(script, ...flags)
    return { exitCode, text: stdall, stdout }
  }

  /** The words that run a script over ssh, for a terminal. */
  argv(script: string, ...flags: string[]): string[] {
    const own = ['--config', this.#config, '--host', this.server.host()]
    return [...ZX, `scripts/${script}.mts`, ...own, ...flags]
  }

  /** Begins a script and does not wait for it. */
  begin(script: string, ...flags: string[]) {
    const host = flags.includes('--host') ? [] : ['--host', this.server.host()]
    const env = { ...process.env, NO_COLOR: '1', LANG: 'cs_CZ.UTF-8', COMPOSE_FILE: '/nowhere' }
    const quiet = $({ cwd: ROOT, quiet: true, nothrow: true, env, timeout: `${DEADLINE}s`, detached: true })
    // Under a strict umask and in another language, as people have it.
    return quiet`umask 077; ${ZX} ${`scripts/${script}.mts`} --config ${this.#config} ${host} ${flags}`
  }

  /** Runs a script that must succeed; returns what it said. */
  async must(script: string, ...flags: string[]): Promise<string> {
    const { exitCode, text } = await this.run(script, ...flags)
    assert.equal(exitCode, 0, text)
    return text
  }

  /** Runs a script that must refuse: exit code 1, a sentence, and no stack trace; returns what it said. */
  async refused(script: string, ...flags: string[]): Promise<string> {
    const { exitCode, text } = await this.run(script, ...flags)
    assert.equal(exitCode, 1, text)
    // What is quoted from others is indented.
    assert.doesNotMatch(text, /\n {4}at |^\S.*Error:/m)
    assert.match(text, /\n {2}Next: {2}\S/)
    return text
  }

  /** Runs a script as root by the back door, past sshd; it must succeed. Returns what it printed. */
  async root(script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.server.exec(`set -e\n${script}`)
    assert.equal(exitCode, 0, stdout + stderr)
    return stdout.trim()
  }

  /** Copies base images of this machine into the server's engine: a minute less than making them there. */
  async loadBaseImages(...services: Service[]): Promise<void> {
    await makeBaseImages()
    const { certbot, ...needed } = debianImages()
    const images = { ...needed, certbot }
    const chosen = services.length > 0 ? services.map((one) => images[one]) : Object.values(needed)
    await loadImages(
      this.server,
      chosen.filter((image) => image !== undefined),
    )
  }

  /** The whole road, with the base images put in between. */
  async deploy(): Promise<string> {
    await this.must('01-server')
    await this.loadBaseImages()
    return await this.must('deploy')
  }

  /** PEM of the site's certificate, from the server's disk. */
  async certificate(): Promise<string> {
    return (await this.server.exec(CERTIFICATE)).stdout
  }

  /** A command that prints it. */
  get certificateFrom(): string[] {
    return ['docker', 'exec', this.server.name, ...CERTIFICATE.split(' ')]
  }

  /** One request to the site. */
  get(page: string): Promise<Answer> {
    return get(this.site, page)
  }

  /** Does the work while a client asks the site, who must not notice. */
  unnoticed(work: () => Promise<void>): Promise<void> {
    return unnoticed(this.site, work)
  }

  get site(): Site {
    const { httpPort: http, httpsPort: https } = this.server
    return new Site({ address: '127.0.0.1', domain: this.#domain, http, https }, () => this.certificate())
  }

  /** The server and everything of ours about it. */
  async remove(): Promise<void> {
    rmSync(this.#home, { recursive: true, force: true })
    await this.server.remove()
  }
}

/** The lines of the steps that did something. */
export function changes(text: string): string[] {
  return text.split('\n').filter((line) => /^[✓✗]/.test(line) && !NOTHING_TO_DO.test(line))
}
