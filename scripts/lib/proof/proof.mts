/** The proof that comes with every rollout: what a client saw meanwhile, in a sentence, in the history and as a picture. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { count, green, red, say, seconds, warn } from '../cli/say.mts'
import { who } from '../cli/who.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import type { Pool } from '../edge/pool.mts'
import { Site } from '../edge/site.mts'
import { readTraffic, type Traffic } from '../edge/traffic.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import type { Schema } from '../stack/create-db.mts'
import { type Entry, record, recordBegun } from './history.mts'
import { type Probe, type Sample, type Summary, summarize, trying } from './probe.mts'
import { reportPage } from './report.mts'
import { applicationsOwn, type Kind, Timeline } from './timeline.mts'
import { Watch } from './watch.mts'

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

/** Which rollout it is the proof of. */
export type About = Pick<Entry, 'from' | 'to' | 'fromTarget' | 'toTarget' | 'rollback'>

/** What is rolled out, as people call it. */
export function titleOf({ from, to, fromTarget, toTarget }: About): string {
  if (from !== to) return `release ${to}`
  return fromTarget === toTarget ? `release ${to} again` : `release ${to} with other settings`
}

export class Proof {
  readonly timeline = new Timeline()
  /** Over the requests meanwhile. */
  readonly watch: Watch
  /** What became of it. */
  result: Entry['result'] = 'failed'
  /** Requests that an old replica still held when its time was over. */
  cut = 0
  /** What the probe saw, when it has ended; nothing where there was none. */
  summary: Summary | undefined
  /** Path of the picture, when it is there. */
  report = ''
  /** Whether create_db.py changed the schema on the way. */
  #schemaChanged = false
  private constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    readonly about: About,
    private readonly probe: Probe | undefined,
    readonly pool: Pool,
  ) {
    host.doing = () => this.timeline.now
    probe?.start(() => this.timeline.now)
    this.watch = new Watch(probe, pool, stack.rollout.abort_on_errors)
  }

  /** Begins to ask the public address, where one answers already; the clock starts with the first request that counts. */
  static async begin(host: Host, stack: StackConfig, about: About, pool: Pool): Promise<Proof> {
    const [site, notFromHere] = await Site.reach(host, stack)
    const { path, rate, timeout } = stack.probe
    const [probe, first] = await trying({ site, path, rate, timeout })
    if (first?.status) {
      if (notFromHere) say(`The probe asks through ssh, on the server, since from here: ${notFromHere}.`)
      return new Proof(host, stack, about, probe, pool)
    }
    if (await serves(host, stack))
      warn(`${site.url(path)} does not answer from here (${first?.error}): nobody counts requests.`)
    return new Proof(host, stack, about, undefined, pool)
  }

  /** Notes in the history that the rollout begins: what comes of it may be cut off. */
  async begun(): Promise<void> {
    await recordBegun(this.host, this.stack, this.#entry('unfinished', Date.now()))
  }

  /**
   * Does one step, notes when, and says when it is done.
   * @param earlier milliseconds by which it has begun already
   * @param said    what is said of the names by what came of it
   */
  async step<T>(
    kind: Kind,
    names: string,
    work: () => Promise<T>,
    { earlier = 0, said = () => WORDS[kind] }: { earlier?: number; said?: (done: T) => string } = {},
  ): Promise<T> {
    const done = await this.timeline.step(kind, names, work, earlier)
    const at = seconds(Date.now() - this.timeline.began)
    if (kind !== 'release' && kind !== 'schema')
      say(
        `${green('✓')} ${kind === 'swap' ? `load balancer: ${names}` : `${names} ${said(done)}`} (at ${at})`,
      )
    return done
  }

  /** The step that prepares the schema. */
  async schema(prepare: () => Promise<Schema>): Promise<void> {
    const { changed } = await this.step('schema', this.about.to, prepare)
    this.#schemaChanged = changed
  }

  /** Ends the probe, writes history and report, and says the sentence. */
  async end(): Promise<void> {
    this.host.doing = () => ''
    const samples = (await this.probe?.stop()) ?? []
    const ended = Date.now()
    const summary = this.probe && summarize(samples)
    this.summary = summary
    const traffic = this.probe && (await this.#traffic())
    await this.#record(summary, ended)
    listFailures(summary?.failed ?? [])
    if (traffic) this.#draw(samples, traffic, ended)
    const { fresh, old } = this.watch.tally
    if (fresh.answered > 0)
      say(
        `Judged by ${count(fresh.answered, 'request')} on the fresh replicas, ${fresh.failed} failed, and ${old.answered} on the others meanwhile, ${old.failed} failed`,
      )
    say(this.#sentence(summary, ended))
  }

  #entry(result: Entry['result'], ended: number): Entry {
    const { began } = this.timeline
    return {
      when: new Date(began).toISOString(),
      who: who(),
      ...this.about,
      result,
      seconds: Math.round((ended - began) / 100) / 10,
      schemaChanged: this.#schemaChanged,
    }
  }

  async #record(summary: Summary | undefined, ended: number): Promise<void> {
    const counted = summary && {
      requests: summary.requests,
      failed: summary.failed.length,
      slowestMs: summary.slowest,
      cut: this.cut,
    }
    await record(this.host, this.stack, { ...this.#entry(this.result, ended), ...counted })
  }

  /** What everybody asked; history and sentence do not depend on it. */
  async #traffic(): Promise<Traffic | undefined> {
    const reading = readTraffic(this.host, this.stack, this.timeline.began)
    const traffic = await reading.catch((error) => warn(`The load balancer’s log: ${error.message}`))
    // What was held when its time was over may have been a WebSocket, whose end is none for the log.
    this.cut = Math.max(this.cut, traffic?.cut ?? 0)
    return traffic || undefined
  }

  #draw(samples: Sample[], traffic: Traffic, ended: number): void {
    const { began, steps } = this.timeline
    const { from, to } = this.about
    const { columns, requests, unanswered, cut } = traffic
    const file = path.join(ROOT, 'reports', `${to}.html`)
    mkdirSync(path.dirname(file), { recursive: true })
    const page = { from, to, result: this.result, began, ended, steps, samples, traffic: columns }
    writeFileSync(file, reportPage(page))
    this.report = file
    say(`The picture: ${path.relative(process.cwd(), file)}`)
    say(
      `By the load balancer’s log: ${count(requests, 'request')} of everybody, ${unanswered} unanswered, ${cut} broken off`,
    )
  }

  #sentence(summary: Summary | undefined, ended: number): string {
    const { from, to } = this.about
    const { began, steps } = this.timeline
    const numbers = summary
      ? `${count(summary.requests, 'request')}, ${summary.failed.length} failed, ${summary.closed > 0 ? `${summary.closed} met by maintenance, ` : ''}${this.cut > 0 ? `${this.cut} cut off, ` : ''}slowest ${summary.slowest} ms`
      : 'nothing served before, so nobody counted requests'
    const title = titleOf(this.about)
    const what =
      this.result !== 'released'
        ? `${title} was not rolled out`
        : from === to
          ? title
          : `release ${from || 'none'} → ${to}`
    const own = seconds(applicationsOwn(steps))
    return `${numbers}, ${what} in ${seconds(ended - began)} (${own} of it the application's own warm-up and draining)`
  }
}

async function serves(host: Host, stack: StackConfig): Promise<boolean> {
  const { exitCode } = await host.attempt(
    bash`docker ps -q --filter name=${`^${stack.project}-lb-1$`} | grep .`,
  )
  return exitCode === 0
}

function listFailures(failed: readonly Sample[]): void {
  for (const { due, error, during } of failed.slice(0, LISTED))
    say(`  ${red('✗')} ${new Date(due).toISOString().slice(11, 23)} ${error} (during: ${during})`)
  if (failed.length > LISTED) say(`  and ${failed.length - LISTED} more`)
}
