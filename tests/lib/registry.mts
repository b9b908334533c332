/** A container registry (Debian's docker-registry), and in it stand-ins for the official images. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { $ } from 'zx'
import { ROOT, stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { baseImages } from '../../scripts/lib/images/images.mts'
import { docker } from './deployment.mts'
import { freePort } from './ports.mts'
import { until } from './until.mts'

/** What the stand-ins are called, as the official images are. */
const TAGS = { postgres: '17', redis: '8', nginx: '1.30', haproxy: '3.2', python: '3.13-slim' }
export type Service = keyof typeof TAGS

export class Registry {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'prusa-registry-'))
  #serving: ChildProcess | undefined

  private constructor(
    private readonly address: string,
    private readonly port: number,
  ) {}

  /**
   * A registry that is empty. Nobody needs to log in, and the engine takes one on loopback without TLS.
   * @param address of this machine
   */
  static async start(address = '127.0.0.1'): Promise<Registry> {
    const registry = new Registry(address, await freePort())
    await registry.#unpack()
    await registry.#readAptSettings()
    await registry.serve()
    return registry
  }

  /** As names of its images begin. */
  get name(): string {
    return `${this.address}:${this.port}`
  }

  /** The image of a service in this registry. */
  image(service: Service): string {
    return `${this.name}/${service}:${TAGS[service]}`
  }

  /** What goes into stack.yaml as base_images. */
  get images(): Record<Service, string> {
    const services = Object.keys(TAGS) as Service[]
    return Object.fromEntries(services.map((one) => [one, this.image(one)])) as Record<Service, string>
  }

  /** Makes all stand-ins, from the Debian images of this machine, and puts them in. */
  async fill(): Promise<void> {
    const debian = baseImages(defaults(stackSchema), 'debian')
    await Promise.all(
      (Object.keys(TAGS) as Service[]).map((one) =>
        this.put(one, path.join('tests/registry', one), debian[one]),
      ),
    )
  }

  /**
   * Builds an image and puts it in. The engine keeps its layers and forgets its name.
   * @param context folder with a Dockerfile, relative to the checkout
   * @param base    what the Dockerfile gets as BASE
   */
  async put(service: Service, context: string, base = this.image(service)): Promise<void> {
    const image = this.image(service)
    const build = docker({ cwd: ROOT, env: { ...process.env, DOCKER_BUILDKIT: '1' } })
    await build`docker build -q --secret ${`id=aptconf,src=${this.#at('aptconf')}`} --build-arg ${`BASE=${base}`} -t ${image} ${context}`
    await docker`docker push -q ${image}`
    await docker`docker rmi ${image}`
  }

  /** Begins to answer, or does so again after `end`. */
  async serve(): Promise<void> {
    // A test that is killed takes its registry with it.
    const args = ['--pdeathsig', 'KILL', this.#at('usr/bin/docker-registry'), 'serve', this.#at('config.yml')]
    this.#serving = spawn('setpriv', args, { stdio: 'ignore' })
    await until('the registry answers', () =>
      fetch(`http://${this.name}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  }

  /** Answers no more; what was put in stays. */
  async end(): Promise<void> {
    if (!this.#serving || this.#serving.exitCode !== null) return
    this.#serving.kill('SIGKILL')
    await once(this.#serving, 'exit')
    this.#serving = undefined
  }

  /** Takes everything away, names of its images on the engine included. */
  async remove(): Promise<void> {
    await this.end()
    const filter = `reference=${this.name}/*`
    // By their names, since another test's registry may have the same image. One that was replaced has its digest alone.
    const format = '{{.Repository}}{{if eq .Tag "<none>"}}@{{.Digest}}{{else}}:{{.Tag}}{{end}}'
    const { stdout } = await docker`docker images --digests --filter ${filter} --format ${format}`
    const names = [...new Set(stdout.split('\n'))].filter(Boolean)
    if (names.length > 0) await docker`docker rmi ${names}`
    rmSync(this.#folder, { recursive: true, force: true })
  }

  // Unpacked, not installed: the package would start a registry of its own, open to the network.
  async #unpack(): Promise<void> {
    const apt = docker({ cwd: this.#folder, nothrow: true })
    const download = () => apt`apt-get download -qq -o APT::Sandbox::User=root docker-registry`
    if ((await download()).exitCode !== 0) {
      await docker`apt-get update -qq`
      await download()
    }
    await $({ quiet: true, cwd: this.#folder })`dpkg -x docker-registry_*.deb .`
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: this.#at('data') } },
      http: { addr: this.name },
    }
    writeFileSync(this.#at('config.yml'), JSON.stringify(config))
  }

  /** This machine's apt settings, for builds that install packages: base.sh writes them, whatever image is asked for. */
  async #readAptSettings(): Promise<void> {
    const { redis } = baseImages(defaults(stackSchema), 'debian')
    await docker`bash ${path.join(ROOT, 'compose/debian/base.sh')} ${this.#at('aptconf')} ${redis}`
  }

  #at(name: string): string {
    return path.join(this.#folder, name)
  }
}
