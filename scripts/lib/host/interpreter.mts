/**
 * A bash on the server that runs script after script from its standard input. To log in, become root and start a shell for
 * each script would take longer than most scripts.
 */

import type { Socket } from 'node:net'
import { hasEnded, OPENING } from './frame.mts'
import { ended as endOf, type Output, type Running, start } from './process.mts'

/** The interpreters of a server: as many as scripts run at the same time. */
export class Interpreters {
  #all: Interpreter[] = []

  /** @param words returns the command that starts an interpreter */
  constructor(private readonly words: () => readonly string[]) {}

  /** A free interpreter, or a new one. */
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
  /** The process; its streams are those of a script that reads its input. */
  readonly child: Running
  /** Whether it has ended a script. */
  used = false
  #state: 'busy' | 'free' | 'leaving' = 'busy'

  constructor(words: readonly string[]) {
    this.child = start(words)
    this.child.on('error', () => {}) // ended() reports it to the caller
    this.child.stdin.write(OPENING)
  }

  /** Whether it can run a script now. */
  get free(): boolean {
    return this.#state === 'free' && !this.gone && this.child.stdin.writable
  }

  get gone(): boolean {
    const { exitCode, signalCode } = this.child
    return exitCode !== null || signalCode !== null
  }

  /**
   * Begins a script.
   * @param script in its frame
   * @param last   whether the interpreter ends with the script
   */
  begin(script: string, last: boolean): void {
    this.#state = last ? 'leaving' : 'busy'
    this.#hold(true)
    this.child.stdin.write(script)
  }

  /**
   * Waits until the script has ended. @returns its output, with its frame
   * @param seconds until the interpreter is killed
   * @param signal  ends the standard input, and this interpreter with it
   * @param hear    is called with all the output until now, for each piece that comes
   */
  async ended(
    seconds: number,
    signal: AbortSignal | undefined,
    hear: (now: Output) => void,
  ): Promise<Output> {
    const endInput = () => this.child.stdin.end()
    if (signal?.aborted) endInput()
    signal?.addEventListener('abort', endInput)
    const done = (now: Output) => hasEnded(now.stdout) && hasEnded(now.stderr)
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

  /** A free interpreter does not keep our process from ending. When our process ends, its input ends, and so does it. */
  #hold(busy: boolean): void {
    const { stdin, stdout, stderr } = this.child
    for (const part of [this.child, stdin as Socket, stdout as Socket, stderr as Socket])
      busy ? part.ref() : part.unref()
    // Output between two scripts waits for the listeners of the next one.
    for (const stream of [stdout, stderr]) busy ? stream.resume() : stream.pause()
  }
}
