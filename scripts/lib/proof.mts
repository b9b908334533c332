/** The proof that comes with every rollout: what a client saw meanwhile, in a sentence, in the history and as a picture. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { ROOT, type StackConfig } from './config.mts'
import { OperatorError } from './errors.mts'
import { type Entry, record, who } from './history.mts'
import type { Host } from './host.mts'
import { Probe, type Sample, type Summary, summarize } from './probe.mts'
import { reportPage } from './report.mts'
import { count, green, red, say, seconds, warn } from './say.mts'
import { bash } from './shell.mts'
import { readCertificate, Site } from './site.mts'
import { applicationsOwn, type Kind, Timeline } from './timeline.mts'
import { readTraffic } from './traffic.mts'

/** So many requests must have failed, and a larger share than before, until a release is taken for broken. */
const FAILED_MINIMUM = 3
/** So many failures are listed one by one; the rest is counted. */
const LISTED = 20

const WORDS: Record<Kind, string> = {
  schema: 'schema prepared',
  start: 'started',
  ready: 'ready',
  swap: 'load balancer',
  drain: 'drained',
  release: 'free of requests',
  stop: 'stopped and removed',
}

export class Proof {
  readonly timeline = new Timeline()
  /** What became of it. */
  result: Entry['result'] = 'failed'
  #rollout: Pick<Entry, 'from' | 'to' | 'schemaChanged'> | undefined
  #freshSince = Number.POSITIVE_INFINITY
  #settled = false
  #probe: Probe | undefined

  private constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
  ) {}

  /** Begins to ask the public address, where one answers already. */
  static async begin(host: Host, stack: StackConfig): Promise<Proof> {
    const proof = new Proof(host, stack)
    if ((await readCertificate(host, stack)).trim() === '') return proof
    const site = Site.of(host, stack)
    const { path, rate, timeout } = stack.probe
    const probe = new Probe({ site, path, rate, timeout })
    const [first] = await probe.once()
    if (first?.status) proof.#probe = probe.start(() => proof.timeline.now)
    else if (await proof.#serves())
      warn(`${site.url(path)} does not answer from here (${first?.error}): nobody counts requests.`)
    return proof
  }

  /** Tells which rollout this is the proof of; without one, nothing was to be done and nothing is written. */
  of(from: string | undefined, to: string, schemaChanged: boolean): void {
    this.#rollout = { from: from ?? '', to, schemaChanged }
  }

  /** Going back: what fails until then is known, and no reason to stop. */
  settle(): void {
    this.#freshSince = Number.POSITIVE_INFINITY
    this.#settled = true
  }

  /** Does one step, notes when, and says when it is done. @param earlier milliseconds by which it has begun already */
  async step<T>(kind: Kind, names: string, work: () => Promise<T>, earlier = 0): Promise<T> {
    const done = await this.timeline.step(kind, names, work, earlier)
    const at = seconds(Date.now() - this.timeline.began)
    if (kind !== 'release' && kind !== 'schema')
      say(
        `${green('✓')} ${kind === 'swap' ? `load balancer: ${names}` : `${names} ${WORDS[kind]}`} (at ${at})`,
      )
    return done
  }

  /** From now on a failure may be the fresh release's. */
  freshServes(): void {
    if (!this.#settled) this.#freshSince = Math.min(this.#freshSince, Date.now())
  }

  /** @throws OperatorError when requests fail that did not fail before */
  check(): void {
    const before = summarize(this.#samples().filter(({ due }) => due < this.#freshSince))
    const since = summarize(this.#samples().filter(({ due }) => due >= this.#freshSince))
    const share = ({ failed, requests }: typeof since) => failed.length / Math.max(1, requests)
    if (since.failed.length < FAILED_MINIMUM || share(since) <= 2 * share(before)) return
    throw new OperatorError(
      `requests fail that did not fail before: ${since.failed.length} of ${since.requests} since it serves, the first: ${since.failed[0]?.error}`,
    )
  }

  /** Ends the probe, writes history and report, and says the sentence. */
  async end(): Promise<void> {
    const samples = (await this.#probe?.stop()) ?? []
    if (!this.#rollout) return
    const ended = Date.now()
    const summary = this.#probe && summarize(samples)
    await this.#record(summary, ended)
    listFailures(summary?.failed ?? [])
    if (this.#probe) await this.#draw(samples, ended)
    say(this.#sentence(summary, ended))
  }

  async #record(summary: Summary | undefined, ended: number): Promise<void> {
    const { from = '', to = '', schemaChanged = false } = this.#rollout ?? {}
    const counted = summary && {
      requests: summary.requests,
      failed: summary.failed.length,
      slowestMs: summary.slowest,
    }
    await record(this.host, this.stack, {
      when: new Date(this.timeline.began).toISOString(),
      who: who(),
      from,
      to,
      result: this.result,
      ...counted,
      seconds: Math.round((ended - this.timeline.began) / 100) / 10,
      schemaChanged,
    })
  }

  async #draw(samples: Sample[], ended: number): Promise<void> {
    const { began, steps } = this.timeline
    const { from = '', to = '' } = this.#rollout ?? {}
    const traffic = await readTraffic(this.host, this.stack, began)
    const file = path.join(ROOT, 'reports', `${to}.html`)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, reportPage({ from, to, result: this.result, began, ended, steps, samples, traffic }))
    say(`The picture: ${path.relative(process.cwd(), file)}`)
  }

  #sentence(summary: Summary | undefined, ended: number): string {
    const { from = '', to = '' } = this.#rollout ?? {}
    const { began, steps } = this.timeline
    const numbers = summary
      ? `${count(summary.requests, 'request').replace(/\B(?=(\d{3})+ )/g, ',')}, ${summary.failed.length} failed, slowest ${summary.slowest} ms`
      : 'nothing served before, so nobody counted requests'
    const what =
      this.result === 'released'
        ? `release ${from || 'none'} → ${to}`
        : `release ${to} was not rolled out, ${from || 'none'} serves`
    const own = seconds(applicationsOwn(steps))
    return `${numbers}, ${what} in ${seconds(ended - began)} (${own} of it the application's own warm-up and draining)`
  }

  #samples() {
    return this.#probe?.samples ?? []
  }

  async #serves(): Promise<boolean> {
    const { exitCode } = await this.host.attempt(
      bash`docker ps -q --filter name=${`^${this.stack.project}-lb-1$`} | grep .`,
    )
    return exitCode === 0
  }
}

function listFailures(failed: readonly Sample[]): void {
  for (const { due, error, during } of failed.slice(0, LISTED))
    say(`  ${red('✗')} ${new Date(due).toISOString().slice(11, 23)} ${error} (during: ${during})`)
  if (failed.length > LISTED) say(`  and ${failed.length - LISTED} more`)
}
