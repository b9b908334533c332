/** Removes the stack. The data stays, unless --data is given. */
import process from 'node:process'
import { question } from 'zx'
import { scheduled } from './lib/backup/schedule.mts'
import { NOTHING_CHANGED, OperatorError, WrongCall } from './lib/cli/errors.mts'
import { list, result, say, step, warn } from './lib/cli/say.mts'
import { renewal } from './lib/edge/renewal.mts'
import { onEach } from './lib/host/each.mts'
import { withLock } from './lib/host/lock.mts'
import { type Run, script } from './lib/run.mts'
import { removeTimer } from './lib/server/timer.mts'
import { type Inventory, removeStack, takeInventory } from './lib/stack/inventory.mts'

export async function destroy(run: Run): Promise<void> {
  const { host, hosts, stack, engine, options } = run
  if (!options.yes && !process.stdin.isTTY)
    throw new WrongCall('Without a terminal, destroy cannot ask', 'npm run destroy -- --yes')
  // Of several hosts, an interrupted run may have finished with this one first.
  const all = await Promise.all(hosts.map((one) => takeInventory(one, stack)))
  const there = all[hosts.indexOf(host)] as Inventory
  const lost = lostBy(run, there)
  if (all.every((one) => one.stack.length + lostBy(run, one).length === 0)) return nothingToDo(run, there)
  if (lost.length > 0 && !options['no-backup'] && !there.saved)
    throw new OperatorError(
      '--data removes the only copy of the data: no backup on the server is younger than a day',
      'npm run backup, then the same command again: it keeps the backups. With --no-backup it removes them, too.',
      NOTHING_CHANGED,
    )
  await confirm(run, there)
  await withLock(host, stack, 'destroy', async () => {
    await engine.end(host, hosts)
    if (there.timer)
      await step('Timers', async () => {
        const removed = await onEach(hosts, async (one) => [
          await removeTimer(one, renewal(stack)),
          await removeTimer(one, scheduled(stack)),
        ])
        return removed.flat().some(Boolean) ? 'removed' : 'none'
      })
    await onEach(hosts, (one) =>
      step('Stack', async () => {
        const { data } = options
        const removal = { data, volumes: data, backups: data && options['no-backup'] }
        for (const left of await removeStack(one, stack, removal))
          warn(`Not removed, since something else uses it: ${left}`)
        return one === host ? `removed ${list([...there.stack, ...lost])}` : 'removed what was there'
      }),
    )
  })
  // Without the lock: its files are gone, and with them the server's leave to do anything under it.
  await engine.leave(host, hosts)
  result(farewell(run, there))
}

/** The data that is removed. The backups go with it only if none is wanted. */
function lostBy({ options }: Run, { data, backups }: Inventory): string[] {
  return options.data ? [...data, ...(options['no-backup'] ? backups : [])] : []
}

function keptBy(run: Run, there: Inventory): string[] {
  const lost = lostBy(run, there)
  return [...there.data, ...there.backups].filter((one) => !lost.includes(one))
}

/** Says what will be removed, and asks for the project's name. @throws OperatorError when the answer is another */
async function confirm(run: Run, there: Inventory): Promise<void> {
  const { host, hosts, stack, options } = run
  const { stack: goes } = there
  const lost = lostBy(run, there)
  const others = hosts.slice(1).map(({ name }) => `what is there of it on ${name}`)
  if (goes.length > 0)
    say(`This removes from ${host.name}: ${list([...goes, ...others])}. The site will stop answering.`)
  if (lost.length > 0) say(`Lost forever on ${host.name}: ${list(lost)}.`)
  say(`What stays: ${list([...keptBy(run, there), 'users', 'packages', 'the Docker Engine'])}.`)
  if (options.yes) return
  const typed = await question(`Type the project’s name, ${stack.project}, to go ahead: `)
  if (typed.trim() !== stack.project)
    throw new OperatorError('Not confirmed', 'npm run destroy, and type the name', NOTHING_CHANGED)
}

function nothingToDo({ host, stack }: Run, { data, backups }: Inventory): void {
  const kept = [...data, ...backups]
  const flags = data.length > 0 ? '--data' : '--data --no-backup'
  const left =
    kept.length > 0 ? ` Still there: ${list(kept)}. To remove them: npm run destroy -- ${flags}` : ''
  say(`No stack ${stack.project} is on ${host.name}: nothing to do.${left}`)
}

function farewell(run: Run, there: Inventory): string {
  const { host, stack, options } = run
  const gone = `${stack.project} is removed from ${host.name}.`
  const kept = keptBy(run, there)
  if (kept.length === 0) return `${gone} Users, packages and the Docker Engine are left.`
  return options.data
    ? `${gone} Kept: ${list(kept)}, in ${stack.folder}/backup. npm run deploy, then npm run restore, bring the data back.`
    : `${gone} Kept: ${list(kept)}. npm run deploy starts the stack with them again.`
}

await script(
  import.meta.url,
  `
Removes the stack: containers, networks, images and files. Says before what it removes, and asks for the project's name.
Volumes, passwords, certificates and the history stay, unless --data is given. Backups, users, packages and the Docker
Engine stay.

  npm run destroy [-- --host USER@NAME]

  --data             remove the volumes of the database and of Redis, passwords and certificates, too
  --no-backup        with --data: do so without a backup that is younger than a day, and remove the backups, too
  --yes              do not ask

Examples:
  npm run destroy
  npm run destroy -- --data --no-backup --yes
`,
  destroy,
  0,
  'removal',
)
