/** Prints what runs, on one screen: first what is wrong, with the command that helps. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { painted, result, say, warn } from './lib/cli/say.mts'
import { endSilently, type Run, script } from './lib/run.mts'

/** Milliseconds between two looks. */
const INTERVAL = 2000

export async function printStatus(run: Run): Promise<void> {
  if (!run.options.watch) return await look(run)
  endSilently()
  for (;;) {
    await look(run, process.stdout.isTTY ? '\u001b[H\u001b[2J' : '')
    await sleep(INTERVAL)
  }
}

/** @param clear the characters that clear the screen */
async function look({ host, engine, options }: Run, clear = ''): Promise<void> {
  const { alarms, facts, screen, note } = await engine.look(host)
  process.exitCode = alarms.some(({ grave }) => grave) ? 1 : 0
  if (options.json) return result(JSON.stringify({ alarms, ...facts }, null, 2))
  process.stdout.write(clear)
  if (!screen) return say(`No replica on ${host.name}. Next: npm run deploy`)
  for (const { what, next, grave } of alarms)
    result(`${painted('red', `${grave ? '✗' : '!'} ${what}`)}\n  Next: ${next}`)
  if (alarms.length > 0) result('')
  result(screen)
  if (note) warn(note)
}

await script(
  import.meta.url,
  `
Prints what runs, on one screen: first what is wrong, with the command that helps.
Then the release, the replicas, the services and the server. The exit code is 1 when something is wrong.

  npm run status [-- --host USER@NAME]

  --watch            print it again every two seconds, until Ctrl-C
  --json             as JSON on standard output

Examples:
  npm run status
  npm run status -- --watch --host admin@203.0.113.7
`,
  printStatus,
)
