/** A deployment beside an ACME server of its own that is to give it certificates. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { $ } from 'zx'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { renewal } from '../../scripts/lib/edge/renewal.mts'
import { Host } from '../../scripts/lib/host/host.mts'
import { removeTimer } from '../../scripts/lib/server/timer.mts'
import { type Deployment, docker } from './deployment.mts'
import { Pebble } from './pebble.mts'
import { deployment, Shared } from './shared.mts'

export const DOMAIN = 'site.test'
const shared = deployment({ domain: DOMAIN })

const quiet = $({ quiet: true, nothrow: true })

export class AcmeSite {
  private constructor(
    readonly site: Deployment,
    readonly pebble: Pebble,
    private readonly cronRan: boolean,
  ) {}

  /** On its self-signed certificate, configured for a CA's, and with certbot's image there. */
  static async start(): Promise<AcmeSite> {
    const cronRan = cron() !== undefined
    const site = await shared.take()
    const made = new AcmeSite(site, await Pebble.start(site.ports.http), cronRan)
    const { directory, ca } = made.pebble.settings
    site.configure({ tls: 'letsencrypt', letsencrypt: { email: 'me@site.test', directory, ca } })
    await site.must('02-build')
    return made
  }

  file(name: string): string {
    return path.join(this.site.folder, name)
  }

  stack(): Promise<string> {
    return this.site.must('04-stack')
  }

  /** Runs the script that the server's timer runs. */
  async renew(...flags: string[]): Promise<{ exitCode: number | null; text: string }> {
    const { exitCode, stdall } = await quiet`${this.file('letsencrypt/renew')} ${flags}`
    return { exitCode, text: stdall }
  }

  /**
   * Renews before it is due. With a new account at the CA, which has proven nothing yet: of an account that has, Pebble
   * asks for no proof in one order of a hundred, though it is told never to reuse one (its wfe.go: rand.Intn(100) > 0).
   */
  renewNow(): Promise<{ exitCode: number | null; text: string }> {
    for (const state of this.#states()) rmSync(path.join(state, 'etc/accounts'), { recursive: true })
    return this.renew('--force-renewal')
  }

  /** Removes certbot's files: the next run orders a new certificate. */
  forget(): void {
    for (const state of this.#states()) rmSync(state, { recursive: true })
  }

  #states(): string[] {
    const folder = this.file('letsencrypt')
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names.filter((name) => /^[0-9a-f]{8}$/.test(name)).map((name) => path.join(folder, name))
  }

  /** How many proofs nginx has given to the CA, which asks from several places at once. */
  async proofs(): Promise<number> {
    const { stdout } = await docker`docker logs ${this.site.project}-lb-1`
    const lines = stdout.split('\n').filter((line) => line.includes('"uri":"/.well-known/acme-challenge/'))
    return lines.filter((line) => line.includes('"status":200')).length
  }

  /** An address where nobody answers on the site's port: a replica's. */
  async elsewhere(): Promise<string> {
    const [replica] = await this.site.containers('app')
    const { stdout } =
      await docker`docker inspect -f ${'{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}'} ${replica}`
    return stdout.trim().split(' ')[0] as string
  }

  async remove(): Promise<void> {
    const { project, folder } = this.site
    await removeTimer(new Host('local'), renewal({ ...defaults(stackSchema), project, folder }))
    const pid = cron()
    // Another test's deployment may count on it.
    const others =
      existsSync('/etc/cron.d') && readdirSync('/etc/cron.d').some((name) => /^prusatest/.test(name))
    if (pid && !this.cronRan && !others) process.kill(pid, 'SIGTERM')
    await this.pebble.remove()
    await shared.leave()
  }
}

/** The one of all files that need one. */
export const acmeSite = new Shared(AcmeSite.start, (acme) => acme.remove())

/** Process of cron, where one runs. */
export function cron(): number | undefined {
  const pid = existsSync('/run/crond.pid') ? Number(readFileSync('/run/crond.pid', 'utf8')) : 0
  return pid && existsSync(`/proc/${pid}`) ? pid : undefined
}
