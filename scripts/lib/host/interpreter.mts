/**
 * A bash on the server that takes script after script on its standard input, one at a time: to log in, to become root
 * and to start a shell takes longer than most scripts do.
 */

import type { Socket } from 'node:net'
import { coded, OPENING } from './frame.mts'
import { ended as endOf, type Output, type Running, start } from './process.mts'

/** As many as scripts run at the same time. */
export class Interpreters {
  #all: Interpreter[] = []

  /** @param words the command that starts one */
  constructor(private readonly words: () => readonly string[]) {}

  /** One that can take a script now. */
  next(): Interpreter {
    this.#all = this.#all.filter((one) => !one.gone)
    const free = this.#all.find((one) => one.free)
    if (free) return free
    const fresh = new Interpreter(this.words())
    this.#all.push(fresh)
    return fresh
  }
}

export class Interpreter {
  /** Its streams are a script's that takes input. */
  readonly child: Running
  /** Whether it has ended a script. */
  used = false
  #state: 'busy' | 'free' | 'leaving' = 'busy'

  /** @param words the command that starts it */
  constructor(words: readonly string[]) {
    this.child = start(words)
    this.child.on('error', () => {}) // whoever waits for a script is told
    this.child.stdin.write(OPENING)
  }

  /** Whether it can take a script now. */
  get free(): boolean {
    return this.#state === 'free' && !this.gone && this.child.stdin.writable
  }

  get gone(): boolean {
    const { exitCode, signalCode } = this.child
    return exitCode !== null || signalCode !== null
  }

  /**
   * @param script framed
   * @param last   whether it ends with that script
   */
  begin(script: string, last: boolean): void {
    this.#state = last ? 'leaving' : 'busy'
    this.#hold(true)
    this.child.stdin.write(script)
  }

  /**
   * What the script printed, when it has ended.
   * @param signal ends the standard input, and this interpreter with it
   * @param hear   gets what was printed until now, as it comes
   */
  async ended(
    seconds: number,
    signal: AbortSignal | undefined,
    hear: (now: Output) => void,
  ): Promise<Output> {
    const endInput = () => this.child.stdin.end()
    if (signal?.aborted) endInput()
    signal?.addEventListener('abort', endInput)
    const done = (now: Output) => coded(now.stdout) && coded(now.stderr)
    const ending = endOf(this.child, seconds, (now) => {
      hear(now)
      return done(now)
    })
    const output = await ending.finally(() => signal?.removeEventListener('abort', endInput))
    this.used = true
    if (this.#state === 'busy') this.#state = done(output) ? 'free' : 'leaving'
    this.#hold(false)
    return output
  }

  /** While it has nothing to do our own process can end without it; then its input ends, and it does too. */
  #hold(busy: boolean): void {
    const { stdin, stdout, stderr } = this.child
    for (const part of [this.child, stdin as Socket, stdout as Socket, stderr as Socket])
      busy ? part.ref() : part.unref()
    // What is said meanwhile waits for the next script's listeners.
    for (const stream of [stdout, stderr]) busy ? stream.resume() : stream.pause()
  }
}
