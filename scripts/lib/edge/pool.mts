/** What the balancer says of its replicas, followed while it is needed: one process on the server for all that is waited for. */
import { EventEmitter, once } from 'node:events'
import { OperatorError } from '../cli/errors.mts'
import { Overdue } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { linesOf } from '../host/frame.mts'
import type { Host } from '../host/host.mts'
import { type Place, parsePlaces, watching } from './balancer.mts'

/** Seconds in which the balancer must say something; it may be just restarting. */
const FIRST_DEADLINE = 30

/** The replicas as the balancer sees them. */
export class Pool {
  /** As they were told last. */
  places: readonly Place[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)
  #failure: Error | undefined

  private constructor(private readonly session: Awaited<ReturnType<Host['session']>>) {
    this.#read(linesOf(session.stdout)).catch(() => {}) // its end is told by the session's
    let said = ''
    session.stderr.on('data', (data) => {
      said += data
    })
    session.once('close', () => {
      this.#failure = new OperatorError(
        `The balancer can be asked no more: ${said.trim() || 'the connection ended'}`,
      )
      this.#news.emit('news')
    })
  }

  /** Begins, and returns when the balancer has said something. */
  static async begin(host: Host, stack: StackConfig): Promise<Pool> {
    const pool = new Pool(await host.session(watching(stack)))
    const late = AbortSignal.timeout(FIRST_DEADLINE * 1000)
    await once(pool.#news, 'news', { signal: late }).catch(() => {
      throw new OperatorError(
        'The balancer does not answer',
        'npx zx scripts/04-stack.mts, or see: docker logs of the service balancer',
      )
    })
    if (pool.#failure) throw pool.#failure
    return pool
  }

  /** Who has this address. */
  at(address: string): Place | undefined {
    return this.places.find((place) => place.address === address)
  }

  /** Calls back at each news, until the function that it returns is called. */
  follow(tell: (places: readonly Place[]) => void): () => void {
    const listener = () => tell(this.places)
    this.#news.on('news', listener)
    return () => this.#news.off('news', listener)
  }

  /**
   * Waits until it is so.
   * @param what     what is waited for, as the message will say it
   * @param deadline seconds
   * @param check    undefined or the empty text when it is so, else what was seen instead
   * @throws Overdue with what was seen last
   */
  async until(
    what: string,
    deadline: number,
    check: (places: readonly Place[]) => string | undefined,
  ): Promise<void> {
    const late = AbortSignal.timeout(deadline * 1000)
    for (;;) {
      if (this.#failure) throw this.#failure
      const seen = check(this.places)
      if (!seen) return
      if (late.aborted) throw new Overdue(`${what}: not within ${deadline} s; last seen: ${seen}`)
      await once(this.#news, 'news', { signal: late }).catch(() => {})
    }
  }

  async #read(lines: AsyncIterable<string>): Promise<void> {
    let places = ''
    for await (const line of lines) {
      if (line) {
        places += `${line}\n`
        continue
      }
      this.places = parsePlaces(places)
      places = ''
      this.#news.emit('news')
    }
  }

  /** The process on the server has something to put in order yet (balancer.pl); nobody waits for that. */
  end(): void {
    const { session } = this
    session.removeAllListeners('close')
    session.stdin.end()
    session.stdout.destroy()
    session.stderr.destroy()
    session.unref()
  }
}
