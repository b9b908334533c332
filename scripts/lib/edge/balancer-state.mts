/** The balancer's view of the replicas, kept up to date by one process on the server. */
import { EventEmitter, once } from 'node:events'
import { OperatorError } from '../cli/errors.mts'
import { Overdue } from '../cli/wait.mts'
import type { StackConfig } from '../config/config.mts'
import { linesOf } from '../host/frame.mts'
import type { Host } from '../host/host.mts'
import { type Place, parsePlaces, watching } from './balancer.mts'

/** Seconds for the balancer's first answer; it may be restarting. */
const FIRST_DEADLINE = 30

export class BalancerState {
  /** The latest state. */
  places: readonly Place[] = []
  readonly #news = new EventEmitter().setMaxListeners(0)
  #failure: Error | undefined

  private constructor(private readonly session: Awaited<ReturnType<Host['session']>>) {
    this.#read(linesOf(session.stdout)).catch(() => {}) // the session's `close` reports the end
    let said = ''
    session.stderr.on('data', (data) => {
      said += data
    })
    session.once('close', () => {
      this.#failure = new OperatorError(
        `The connection to the balancer ended: ${said.trim() || 'no reason was given'}`,
      )
      this.#news.emit('news')
    })
  }

  /**
   * Starts to follow the balancer, and waits for its first answer.
   * @throws OperatorError when it does not answer
   */
  static async begin(host: Host, stack: StackConfig): Promise<BalancerState> {
    const state = new BalancerState(await host.session(watching(stack)))
    const late = AbortSignal.timeout(FIRST_DEADLINE * 1000)
    await once(state.#news, 'news', { signal: late }).catch(() => {
      throw new OperatorError(
        'The balancer does not answer',
        'npx zx scripts/04-stack.mts starts it; npm run logs -- balancer shows its log.',
      )
    })
    if (state.#failure) throw state.#failure
    return state
  }

  /** The replica with this address. */
  at(address: string): Place | undefined {
    return this.places.find((place) => place.address === address)
  }

  /** Calls back at each change; the returned function ends that. */
  follow(tell: (places: readonly Place[]) => void): () => void {
    const listener = () => tell(this.places)
    this.#news.on('news', listener)
    return () => this.#news.off('news', listener)
  }

  /**
   * Waits until a condition is met.
   * @param what     the condition, for the message
   * @param deadline seconds
   * @param check    returns what was seen instead; undefined or the empty text once the condition is met
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

  /** Stops following. The process on the server then restores the weights (balancer.pl); nothing waits for that. */
  end(): void {
    const { session } = this
    session.removeAllListeners('close')
    session.stdin.end()
    session.stdout.destroy()
    session.stderr.destroy()
    session.unref()
  }
}
