/** Removes the stack. The data stays, unless --data is given. */
import process from 'node:process'
import { question } from 'zx'
import { NOTHING_CHANGED, OperatorError, WrongCall } from './lib/cli/errors.mts'
import { list, result, say, step, warn } from './lib/cli/say.mts'
import { removeTimer } from './lib/edge/renewal.mts'
import { withLock } from './lib/host/lock.mts'
import { type Run, script } from './lib/run.mts'
import { type Inventory, removeStack, takeInventory } from './lib/stack/inventory.mts'

export async function destroy(run: Run): Promise<void> {
  const { host, stack, options } = run
  if (!options.yes && !process.stdin.isTTY)
    throw new WrongCall('Without a terminal, destroy cannot ask', 'npm run destroy -- --yes')
  const there = await takeInventory(host, stack)
  if (there.stack.length + (options.data ? there.data.length : 0) === 0) return nothingToDo(run, there)
  if (options.data && !options['no-backup'] && there.data.length > 0)
    throw new OperatorError(
      '--data takes the only copy of the data: there is no backup of it that is younger than a day (backups are not made yet)',
      `Save it: echo 'pg_dump -U postgres prusa' | npx zx scripts/shell.mts db >saved.sql. Then: npm run destroy -- --data --no-backup`,
      'nothing was changed.',
    )
  await confirm(run, there)
  await withLock(host, stack, 'destroy', async () => {
    if (there.timer)
      await step('Renewal', async () => ((await removeTimer(host, stack)) ? 'timer removed' : 'no timer'))
    await step('Stack', async () => {
      for (const left of await removeStack(host, stack, options.data))
        warn(`Not removed, since something else uses it: ${left}`)
      return `removed ${list([...there.stack, ...(options.data ? there.data : [])])}`
    })
  })
  result(farewell(run, there))
}

/** Says what will be removed, and asks for the project's name. @throws OperatorError when the answer is another */
async function confirm({ host, stack, options }: Run, there: Inventory): Promise<void> {
  const { data, stack: goes } = there
  if (goes.length > 0) say(`This removes from ${host.name}: ${list(goes)}. The site will stop answering.`)
  if (options.data && data.length > 0) say(`Lost forever on ${host.name}: ${list(data)}.`)
  const kept = options.data ? [] : data
  say(`What stays: ${list([...kept, 'users', 'packages', 'the Docker Engine'])}.`)
  if (options.yes) return
  const typed = await question(`Type the project’s name, ${stack.project}, to go ahead: `)
  if (typed.trim() !== stack.project)
    throw new OperatorError('Not confirmed', 'npm run destroy, and type the name', NOTHING_CHANGED)
}

function nothingToDo({ host, stack }: Run, { data }: Inventory): void {
  const left = data.length > 0 ? ` Still there: ${list(data)}. To remove them: npm run destroy -- --data` : ''
  say(`No stack ${stack.project} is on ${host.name}: nothing to do.${left}`)
}

function farewell({ host, stack, options }: Run, { data }: Inventory): string {
  const gone = `${stack.project} is removed from ${host.name}.`
  return options.data || data.length === 0
    ? `${gone} Users, packages and the Docker Engine are left.`
    : `${gone} Kept: ${list(data)}. npm run deploy starts the stack with them again.`
}

await script(
  import.meta.url,
  `
Removes the stack: containers, networks, images and files. Says before what it removes, and asks for the project's name.
Volumes, passwords, certificates and the history stay, unless --data is given. Users, packages and the Docker Engine stay.

  npm run destroy [-- --host USER@NAME]

  --data             remove the volumes of the database and of Redis, passwords and certificates, too
  --no-backup        with --data: do so without a backup that is younger than a day
  --yes              do not ask

Examples:
  npm run destroy
  npm run destroy -- --data --no-backup --yes
`,
  destroy,
)
