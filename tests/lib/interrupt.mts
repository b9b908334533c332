/** Ctrl-C and kill -9. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import process from 'node:process'
import { ROOT } from '../../scripts/lib/config/config.mts'
import type { Deployment } from './deployment.mts'

/**
 * Begins a script and sends the signal to its whole process group, as a terminal's Ctrl-C would; returns what it printed.
 * Ctrl-C also reaches npx, which has its own idea of it, so then the script is called as people call it.
 * @param when milliseconds after its begin, or as soon as it has printed this
 */
export async function interrupt(
  site: Deployment,
  script: string,
  flags: string[],
  signal: NodeJS.Signals,
  when: number | RegExp,
): Promise<string> {
  const [program = '', ...zx] = signal === 'SIGINT' ? ['npx', 'zx'] : site.zx
  const argv = [...zx, `scripts/${script}.mts`, '--config', path.join(site.home, 'config'), ...flags]
  const running = spawn(program, argv, { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => running.once('exit', resolve))
  const send = () => running.exitCode === null && process.kill(-(running.pid as number), signal)
  let text = ''
  const read = (data: Buffer) => {
    const seen = when instanceof RegExp && when.test(text)
    text += data
    if (when instanceof RegExp && !seen && when.test(text)) send()
  }
  for (const stream of [running.stdout, running.stderr]) stream.on('data', read)
  const timer = typeof when === 'number' ? setTimeout(send, when) : undefined
  await ended
  clearTimeout(timer)
  return text
}
