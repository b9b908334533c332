/** A terminal for a command: script(1) is at its other end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { quote } from 'zx'
import { ROOT } from '../../scripts/lib/config/config.mts'

/** Runs a command on a terminal and types these lines, each when what stands before it has been printed. */
export async function onTerminal(
  argv: string[],
  typed: [after: RegExp, line: string][],
): Promise<{ exitCode: number | null; text: string }> {
  const command = argv.map((word) => quote(word)).join(' ')
  // This terminal has colours, whatever the surroundings of the tests say.
  const { NO_COLOR, NODE_DISABLE_COLORS, FORCE_COLOR, CI, ...surroundings } = process.env
  const child = spawn('script', ['-qec', `exec ${command}`, '/dev/null'], {
    cwd: ROOT,
    env: { ...surroundings, SHELL: '/bin/bash', TERM: 'xterm' },
  })
  let text = ''
  let seen = 0
  const left = [...typed]
  child.stdout.on('data', (data) => {
    text += data
    const [next] = left
    const found = next?.[0].exec(text.slice(seen))
    if (!next || !found) return
    seen += found.index + found[0].length
    left.shift()
    child.stdin.write(`${next[1]}\n`)
  })
  const [exitCode] = await once(child, 'close')
  return { exitCode, text: text.replaceAll('\r', '') }
}
