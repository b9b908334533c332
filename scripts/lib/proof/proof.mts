/** The proof of a rollout: what a client saw meanwhile. It is printed, kept in the history, and drawn as a picture. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { live } from '../cli/live.mts'
import { capital, count, green, red, say, seconds, warn, whenInterrupted } from '../cli/say.mts'
import { clock } from '../cli/time.mts'
import { who } from '../cli/who.mts'
import { ROOT, type StackConfig } from '../config/config.mts'
import { readTraffic, type Traffic } from '../edge/traffic.mts'
import type { Host } from '../host/host.mts'
import type { Schema } from '../stack/create-db.mts'
import { type Entry, record, recordBegun } from './history.mts'
import { type Probe, type Sample, type Summary, summarize } from './probe.mts'
import { probeFor } from './probe-for.mts'
import { reportPage } from './report.mts'
import { type About, sentenceOf, titleOf } from './sentence.mts'
import { type Kind, Timeline } from './timeline.mts'

/** The number of failures that are printed. */
const LISTED = 20

const WORDS: Record<Kind, string> = {
  schema: 'schema prepared',
  start: 'started',
  ready: 'ready',
  swap: 'load balancer',
  drain: 'drained',
  finish: 'free of requests',
  stop: 'stopped and removed',
}

export class Proof {
  readonly timeline = new Timeline()
  result: Entry['result'] = 'failed'
  /** Requests that an old replica still held when it was stopped. */
  cut = 0
  /** What the probe saw. Undefined until it has ended, or if it did not run. */
  summary: Summary | undefined
  /** Which replicas get requests now, in a sentence. */
  whoServes = () => ''
  /** Ends what the terminal shows while the rollout runs. */
  readonly #over: () => void
  /** Path of the picture; empty until there is one. */
  report = ''
  #schema: Pick<Schema, 'changed' | 'backup'> = { changed: false }

  private constructor(
    private readonly host: Host,
    private readonly stack: StackConfig,
    readonly about: About,
    private readonly hosts: readonly Host[],
    /** One for each host at which the site was up. */
    readonly probes: readonly Probe[],
    /** Why no probe runs. */
    private readonly reason: string,
  ) {
    host.doing = () => this.timeline.now
    const title = capital(titleOf(about))
    const drawn = live(title, host.doing)
    const proceed = whenInterrupted(() => `${title}: interrupted at: ${host.doing()}; ${this.whoServes()}`)
    this.#over = () => {
      drawn()
      proceed()
    }
    for (const probe of probes) probe.start(() => this.timeline.now)
  }

  /**
   * Starts a probe for each host at which the site is up. The clock starts with the first request that counts.
   * @param hosts those with a load balancer
   */
  static async begin(
    host: Host,
    stack: StackConfig,
    about: About,
    hosts: readonly Host[] = [host],
  ): Promise<Proof> {
    const tried = await Promise.all(hosts.map((one) => probeFor(one, stack, stack.probe.rate / hosts.length)))
    const probes = tried.flatMap(({ probe }) => probe ?? [])
    const [reason = ''] = probes.length > 0 ? [] : tried.map((one) => one.reason)
    return new Proof(host, stack, about, hosts, probes, reason)
  }

  /** Undefined if none runs. */
  get probe(): Pick<Probe, 'samples'> | undefined {
    const { probes } = this
    return probes.length > 1 ? { samples: probes.flatMap(({ samples }) => samples) } : probes[0]
  }

  /** Writes into the history that the rollout begins. So it is there if the rollout is interrupted. */
  async begun(): Promise<void> {
    await recordBegun(this.host, this.stack, this.#entry('unfinished', Date.now()))
  }

  /**
   * Does one step, keeps its time, and says when it is done.
   * @param earlier milliseconds since it has begun in fact
   * @param said    turns its result into what is printed after the names
   */
  async step<T>(
    kind: Kind,
    names: string,
    work: () => Promise<T>,
    { earlier = 0, said = () => WORDS[kind] }: { earlier?: number; said?: (done: T) => string } = {},
  ): Promise<T> {
    const done = await this.timeline.step(kind, names, work, earlier)
    const at = seconds(Date.now() - this.timeline.began)
    if (kind !== 'finish' && kind !== 'schema')
      say(
        `${green('✓')} ${kind === 'swap' ? `load balancer: ${names}` : `${names} ${said(done)}`} (at ${at})`,
      )
    return done
  }

  /** The step that prepares the schema. */
  async schema(prepare: () => Promise<Schema>): Promise<void> {
    this.noteSchema(await this.step('schema', this.about.to, prepare))
  }

  /** Keeps for the history what create_db.py has changed, during this rollout or before it. */
  noteSchema(schema: Schema): void {
    this.#schema = schema
    if (schema.backup) say(`${green('✓')} backup of the database before the change: ${schema.backup}`)
  }

  /**
   * Ends the probe, writes the history and the picture, and says what the probe saw.
   * @param basis on how many requests the rollout was judged, as a sentence; may be empty
   */
  async end(basis: string): Promise<void> {
    this.host.doing = () => ''
    this.#over()
    const samples = (await Promise.all(this.probes.map((probe) => probe.stop()))).flat()
    const ended = Date.now()
    this.summary = this.reason ? undefined : summarize(samples)
    const traffic = this.reason ? undefined : await this.#traffic()
    await record(this.host, this.stack, this.#entry(this.result, ended))
    listFailures(this.summary?.failed ?? [])
    if (traffic) this.#draw(samples, traffic, ended)
    if (basis) say(basis)
    say(sentenceOf(this, ended, this.reason))
  }

  #entry(result: Entry['result'], ended: number): Entry {
    const { cut, summary } = this
    const { began } = this.timeline
    const counted = summary && {
      requests: summary.requests,
      failed: summary.failed.length,
      slowestMs: summary.slowest,
      cut,
    }
    return {
      when: new Date(began).toISOString(),
      who: who(),
      ...this.about,
      result,
      seconds: Math.round((ended - began) / 100) / 10,
      schemaChanged: this.#schema.changed,
      ...(this.#schema.backup && { backup: this.#schema.backup }),
      ...counted,
    }
  }

  /** The requests of all clients. The history and the last line do without them if they cannot be read. */
  async #traffic(): Promise<Traffic | undefined> {
    const reading = readTraffic(this.hosts, this.stack, this.timeline.began)
    const traffic = await reading.catch((error) => warn(`The load balancer’s log: ${error.message}`))
    // The log does not see that a WebSocket was cut off; the rollout has counted it.
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
      `By the load balancer’s log: ${count(requests, 'request')} of all clients, ${unanswered} unanswered, ${cut} broken off`,
    )
  }
}

function listFailures(failed: readonly Sample[]): void {
  for (const { due, error, during } of failed.slice(0, LISTED))
    say(`  ${red('✗')} ${clock(due)} ${error} (during: ${during})`)
  if (failed.length > LISTED) say(`  and ${failed.length - LISTED} more`)
}
