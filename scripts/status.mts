/** Prints what runs, on one screen: first what is wrong, with the command that helps. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { painted, result, say, warn } from './lib/cli/say.mts'
import { fleetOf } from './lib/rollout/fleet.mts'
import { endSilently, type Run, script } from './lib/run.mts'
import { alarmsOf } from './lib/status/alarms.mts'
import { compare } from './lib/status/checkout.mts'
import { requestsOf, screen } from './lib/status/screen.mts'
import { type Facts, lookAtAll } from './lib/status/status.mts'
import { printSwarm } from './lib/swarm/screen.mts'

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
async function look({ host, stack, swarm, options }: Run, clear = ''): Promise<void> {
  if (swarm) {
    process.stdout.write(clear)
    process.exitCode = (await printSwarm(swarm, host, stack, options.json)) ? 1 : 0
    return
  }
  const facts = await lookAtAll(host, stack)
  const alarms = alarmsOf(stack, facts, Date.now())
  const { differs, note } = compare(stack, facts)
  process.exitCode = alarms.some(({ grave }) => grave) ? 1 : 0
  if (options.json)
    return result(JSON.stringify({ alarms, ...facts, replicas: asJson(facts, differs) }, null, 2))
  process.stdout.write(clear)
  if (facts.containers.length === 0) return say(`No replica on ${host.name}. Next: npm run deploy`)
  for (const { what, next, grave } of alarms)
    result(`${painted('red', `${grave ? '✗' : '!'} ${what}`)}\n  Next: ${next}`)
  if (alarms.length > 0) result('')
  result(screen(stack, facts, differs))
  if (note) warn(note)
}

function asJson({ replicas, places }: Facts, differs: (name: string) => string | undefined) {
  const { serving } = fleetOf(replicas, places)
  return replicas.map((one) => {
    const place = places.find(({ address }) => one.running && address === one.address)
    const asConfigured = differs(one.name)
    return {
      ...one,
      serving: serving.includes(one),
      requests: requestsOf(place),
      asConfigured: asConfigured === undefined ? 'not known' : asConfigured || 'yes',
    }
  })
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
