/** Takes the stack away; the data stays unless it shall go, too. */
import process from 'node:process'
import { question } from 'zx'
import { OperatorError, WrongCall } from './lib/cli/errors.mts'
import { list, result, say, step, warn } from './lib/cli/say.mts'
import { removeTimer } from './lib/edge/renewal.mts'
import { withLock } from './lib/host/lock.mts'
import { type Run, script } from './lib/run.mts'
import { type Holdings, holdings, remove } from './lib/stack/holdings.mts'

export async function destroy(run: Run): Promise<void> {
  const { host, stack, options } = run
  if (!options.yes && !process.stdin.isTTY)
    throw new WrongCall('Without a terminal nobody can be asked', 'npm run destroy -- --yes')
  const there = await holdings(host, stack)
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
      for (const left of await remove(host, stack, options.data))
        warn(`This is left, since somebody else uses it: ${left}`)
      return `removed ${list([...there.stack, ...(options.data ? there.data : [])])}`
    })
  })
  result(farewell(run, there))
}

/** Says what will be lost, and has the project's name typed. @throws OperatorError when it is not */
async function confirm({ host, stack, options }: Run, there: Holdings): Promise<void> {
  const { data, stack: goes } = there
  if (goes.length > 0)
    say(`This takes away on ${host.name}: ${list(goes)}. The site will not answer any more.`)
  if (options.data && data.length > 0) say(`Lost for good on ${host.name}: ${list(data)}.`)
  const kept = options.data ? [] : data
  say(`What stays: ${list([...kept, 'users', 'packages', 'the Docker Engine'])}.`)
  if (options.yes) return
  const typed = await question(`Type the project’s name, ${stack.project}, to go ahead: `)
  if (typed.trim() !== stack.project)
    throw new OperatorError('Not confirmed', 'npm run destroy, and type the name', 'nothing was changed.')
}

function nothingToDo({ host, stack }: Run, { data }: Holdings): void {
  const left =
    data.length > 0 ? ` Still there: ${list(data)} (npm run destroy -- --data takes them, too).` : ''
  say(`No stack ${stack.project} is on ${host.name}: nothing to do.${left}`)
}

function farewell({ host, stack, options }: Run, { data }: Holdings): string {
  const gone = `${stack.project} is gone from ${host.name}.`
  return options.data || data.length === 0
    ? `${gone} Nothing of it is left but users, packages and the Docker Engine.`
    : `${gone} Kept: ${list(data)}. npm run deploy brings it back with them.`
}

await script(
  import.meta.url,
  `
Takes the stack away: containers, networks, images and files. Says before what is lost, and asks for the project's name.
Volumes, passwords, certificates and the history stay unless --data is given; users, packages and the Docker Engine stay.

  npm run destroy [-- --host USER@NAME]

  --data             take the volumes of the database and of Redis, passwords and certificates, too
  --no-backup        with --data: although there is no backup younger than a day
  --yes              do not ask

Examples:
  npm run destroy
  npm run destroy -- --data --no-backup --yes
`,
  destroy,
)
