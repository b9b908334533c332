/** A program of this machine, run to its end or to a deadline. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Duplex, Readable, Writable } from 'node:stream'
import { OperatorError } from '../cli/errors.mts'

/** Its three streams are pipes; text is UTF-8. */
export type Running = ChildProcessByStdio<Writable, Readable, Readable>

export interface Output {
  /** Null when it was ended by a signal or by its deadline. */
  exitCode: number | null
  stdout: string
  stderr: string
}

/** Starts a program in a process group of its own, so that Ctrl-C is ours to answer. */
export function start([command = '', ...args]: readonly string[]): Running {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment() })
  // A command that ends before it has read its input (a refused login) closes the pipe under our hands.
  child.stdin.on('error', () => {})
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  return child
}

/**
 * What the program printed, when it has ended.
 * @param seconds until it is killed together with what it started
 * @param enough  hears what was printed until now, as it comes; true: no more is waited for
 * @throws OperatorError when there is no such program
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
      finish(null) // what it started under another user may hold the pipes open for ever
      for (const stream of child.stdio) stream?.destroy()
    }, seconds * 1000)
    child.once('close', finish).once('error', fail)
    child.stdout.on('data', out)
    child.stderr.on('data', err)
  })
}

/** Whether a person sits at both ends. */
export const onTerminal = () => process.stdin.isTTY === true && process.stdout.isTTY === true

/**
 * Runs a program with the terminal, or the pipes, that this process was started with. Ctrl-C is the program's to answer.
 * @param through what its two outputs go through; without it they are this process's own, a terminal's
 * @returns its exit code; as a shell tells a signal, 128 and more
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
    // Whoever reads has heard enough: `| head`.
    process.stdout.once('error', () => child.kill())
  }
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(unstartable(child, error)))
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
  })
}

/**
 * Starts a program whose output, byte for byte, is the input of another one; it ends no later than that.
 * @param input what itself gets
 */
export function feed(
  [command = '', ...args]: readonly string[],
  input: string,
  other: Running,
): Promise<Output> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: environment() })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  child.stdout.pipe(other.stdin)
  other.once('close', () => end(child))
  return new Promise((resolve, reject) => {
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', (error) => reject(unstartable(child, error)))
    child.once('close', (exitCode) => resolve({ exitCode, stdout: '', stderr }))
  })
}

/** Ends it and what it started. The docker client ends with 0 on SIGTERM, and a deadline would look like success. */
export function end(child: Running): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

function unstartable(child: ChildProcess, error: Error): OperatorError {
  return new OperatorError(`${child.spawnfile} cannot be started on this machine: ${error.message}`)
}

/** Without the words for another language, which sshd would hand on to the server's shells. */
function environment(): NodeJS.ProcessEnv {
  const foreign = (name: string) => /^(LC_.*|LANG|LANGUAGE|BASH_ENV|ENV)$/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign(name)))
}
