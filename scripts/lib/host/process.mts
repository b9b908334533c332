/** Runs a program on this machine until it ends, or until a deadline. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { type Duplex, type Readable, Transform, type Writable } from 'node:stream'
import { CommandError, OperatorError } from '../cli/errors.mts'

/** A running program. Its three streams are pipes, for text in UTF-8. */
export type Running = ChildProcessByStdio<Writable, Readable, Readable>

export interface Output {
  /** Null when a signal or the deadline ended the program. */
  exitCode: number | null
  stdout: string
  stderr: string
}

/** How {@link Host} runs a script. */
export interface RunOptions {
  /** Seconds until the script is killed. */
  deadline?: number
  /** The script may read its standard input, which ends when this process ends. Else the input is empty. */
  tied?: boolean
  /** Is called with each line that the script prints, at once. */
  hear?: (line: string) => void
  /** Is called with each line of both streams, at once. */
  progress?: (line: string) => void
  /** Ends the standard input of a script that is tied. */
  signal?: AbortSignal
}

/** Starts a program in its own process group, so that Ctrl-C reaches this process alone. */
export function start([command = '', ...args]: readonly string[]): Running {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment() })
  // A command that ends before it has read its input, such as a refused login, breaks the pipe.
  child.stdin.on('error', () => {})
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  return child
}

/**
 * Waits until a program has ended. @returns its exit code and output
 * @param seconds until it is killed, together with the processes that it started
 * @param enough  is called with all the output until now, for each piece that comes; true: stop waiting
 * @throws OperatorError when the program cannot be started
 */
export function ended(
  child: Running,
  seconds: number,
  enough: (output: Output) => boolean = () => false,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const output: Output = { exitCode: null, stdout: '', stderr: '' }
    const hears = (stream: 'stdout' | 'stderr') => (text: string) => {
      output[stream] += text
      if (enough(output)) finish(null)
    }
    const [out, err] = [hears('stdout'), hears('stderr')]
    const stop = () => {
      clearTimeout(deadline)
      child.off('close', finish).off('error', fail)
      child.stdout.off('data', out)
      child.stderr.off('data', err)
    }
    const finish = (exitCode: number | null) => {
      stop()
      resolve({ ...output, exitCode })
    }
    const fail = (error: Error) => {
      stop()
      reject(unstartable(child, error))
    }
    const deadline = setTimeout(() => {
      end(child)
      finish(null) // a process of another user cannot be killed, and may keep the pipes open for ever
      for (const stream of child.stdio) stream?.destroy()
    }, seconds * 1000)
    child.once('close', finish).once('error', fail)
    child.stdout.on('data', out)
    child.stderr.on('data', err)
  })
}

/** Whether both standard input and standard output are a terminal. */
export const onTerminal = () => process.stdin.isTTY === true && process.stdout.isTTY === true

/**
 * Runs a program on the terminal, or the pipes, of this process. Ctrl-C reaches the program and does not end this process.
 * @param through makes a filter for each of its two outputs; without it they are those of this process
 * @returns its exit code; 128 and the signal's number when a signal ended it
 */
export async function attached(
  [command = '', ...args]: readonly string[],
  through?: () => Duplex,
): Promise<number> {
  const out = through ? 'pipe' : 'inherit'
  process.removeAllListeners('SIGINT')
  process.on('SIGINT', () => {})
  const child = spawn(command, args, { stdio: ['inherit', out, out], env: environment() })
  if (through && child.stdout && child.stderr) {
    child.stdout.pipe(through()).pipe(process.stdout)
    child.stderr.pipe(through()).pipe(process.stderr)
    // The reader has closed the pipe: `| head`.
    process.stdout.once('error', () => child.kill())
  }
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(unstartable(child, error)))
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  })
}

/**
 * Starts a program whose output becomes the input of another one. When the other one ends, it is killed.
 * @param input   its own input
 * @param filters what its output goes through; without them it is passed on unchanged
 */
export function feed(
  [command = '', ...args]: readonly string[],
  input: string,
  other: Running,
  ...filters: Duplex[]
): Promise<Output> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment() })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const filtered = filters.reduce<Readable>((from, filter) => from.pipe(filter), child.stdout)
  filtered.pipe(other.stdin)
  other.once('close', () => {
    // Once its output has ended it is about to end by itself, with an exit code: on a busy machine the other one may be faster.
    if (!child.stdout.readableEnded) end(child)
  })
  return new Promise((resolve, reject) => {
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', (error) => reject(unstartable(child, error)))
    child.once('close', (exitCode) => resolve({ exitCode, stdout: '', stderr }))
  })
}

/** Waits for a program and for the one that it feeds; returns the output of the other. @throws CommandError when one fails */
export async function bothEnded(
  purpose: string,
  one: Promise<Output>,
  other: Promise<Output>,
): Promise<Output> {
  const outputs = await Promise.all([one, other])
  // When one fails, the other is killed and has no exit code: the first is the reason.
  const failed = outputs.find(({ exitCode }) => exitCode) ?? outputs.find(({ exitCode }) => exitCode === null)
  if (failed) throw new CommandError(purpose, failed.exitCode, failed.stderr)
  return outputs[1]
}

/** A filter that passes everything on, and tells how many bytes. */
export const counting = (passed: (bytes: number) => void) =>
  new Transform({
    transform(data: Buffer, _, done) {
      passed(data.length)
      done(null, data)
    },
  })

/**
 * Kills a program and the processes that it started. It sends no SIGTERM: at that, the docker client ends with exit code 0,
 * and a deadline would look like success.
 */
function end(child: Running): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

function unstartable(child: ChildProcess, error: Error): OperatorError {
  return new OperatorError(`${child.spawnfile} cannot be started on this machine: ${error.message}`)
}

/** Our environment without the language, which ssh would pass on to the server's shells, and without startup files of sh. */
function environment(): NodeJS.ProcessEnv {
  const foreign = (name: string) => /^(LC_.*|LANG|LANGUAGE|BASH_ENV|ENV)$/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign(name)))
}
