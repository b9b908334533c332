/** Lists the passwords on the server, or replaces one. */

import { WrongCall } from './lib/cli/errors.mts'
import { nearest, requireVerb } from './lib/cli/nearest.mts'
import { list, result, say, step } from './lib/cli/say.mts'
import { ensureAdminPassword } from './lib/edge/certificate.mts'
import { withLock } from './lib/host/lock.mts'
import { baseImages, imageMode } from './lib/images/images.mts'
import { onlyTarget } from './lib/rollout/replica.mts'
import { keptTarget } from './lib/rollout/target.mts'
import { type Run, script } from './lib/run.mts'
import { applyRoles } from './lib/stack/database.mts'
import { changeOwner, isLeftOver, raiseBridge, removeBridge, replaceSecret } from './lib/stack/rotation.mts'
import { ensureSecrets, keptSecrets, SECRETS, type Secrets, secretsTable } from './lib/stack/secrets.mts'
import { requireRunning, writeStack } from './lib/stack/stack.mts'

export async function secrets(run: Run): Promise<void> {
  const [verb, given = ''] = run.words
  if (verb === undefined) await printSecrets(run)
  else await rotate(run, named(verb, given))
}

async function printSecrets({ host, stack, options }: Run): Promise<void> {
  const kept = await keptSecrets(host, stack)
  if (options.json) result(JSON.stringify(kept, null, 2))
  else if (kept.length > 0) result(secretsTable(stack, kept))
  else say(`No secrets on ${host.name} yet. Next: npm run deploy`)
}

function named(verb: string, given: string): Secrets {
  const usage = `npm run secrets -- rotate NAME, with ${list([...SECRETS])} for NAME`
  requireVerb(verb, ['rotate'], usage)
  const name = SECRETS.find((one) => one === given)
  if (name) return name
  const what = given
    ? `There is no secret “${given}”; the nearest is “${nearest(given, SECRETS)}”`
    : 'Which secret?'
  throw new WrongCall(what, usage)
}

async function rotate(run: Run, name: Secrets): Promise<void> {
  const { host, hosts, stack, engine } = run
  // The other hosts get their files from the one with the data.
  engine.requireData(host, 'secrets rotate')
  say(`secrets on ${host.name}: a new ${name}`)
  await requireRunning(host, stack, name === 'admin_password' ? 'lb' : 'db')
  await withLock(host, stack, `a new ${name}`, async () => {
    if (name === 'db_owner_password') return await rotateOwner(run)
    await step('Secret', async () => {
      await replaceSecret(host, stack, name)
      return `a new one in ${stack.folder}/secrets/${name}`
    })
    // nginx reads its password file for each request, so no reload is needed.
    if (name === 'admin_password')
      await step('nginx', async () =>
        (await ensureAdminPassword(host, stack)) ? 'has the new password' : 'has it already',
      )
    else
      await step('PostgreSQL', async () =>
        (await applyRoles(host, stack)) ? 'has the new password' : 'has it already',
      )
    await engine.share(host, hosts)
  })
}

/** Replaces the owner's password. Each replica logs in by the password in its environment, which must work at all times. */
async function rotateOwner(run: Run): Promise<void> {
  const { host, stack } = run
  await writeStack(host, stack, baseImages(stack, await imageMode(host, stack)))
  await ensureSecrets(host, stack)
  const rollOver = await rollouts(run)
  if (await isLeftOver(host, stack))
    say('An earlier run was interrupted after the change. This run does the rest.')
  else {
    await step('app_bridge', async () => {
      await raiseBridge(host, stack)
      return 'acts for the owner'
    })
    await rollOver()
    await step('PostgreSQL', async () => {
      await changeOwner(host, stack)
      return `app has the new password, in ${stack.folder}/secrets/db_owner_password`
    })
  }
  await rollOver()
  await step('app_bridge', async () => {
    await removeBridge(host, stack)
    return 'removed'
  })
}

/**
 * Finishes an interrupted rollout or rotation. @returns the rollout that replaces every replica with an old environment; it
 * does nothing where no replica runs
 * @throws OperatorError when replicas of two targets run
 */
export async function rollouts(run: Run): Promise<() => Promise<void>> {
  const { host, stack, engine } = run
  const target = onlyTarget(await engine.targets(host))
  if (!target) return async () => {}
  const roll = async () => engine.rollOut(host, { target: await keptTarget(host, stack, target) })
  await roll() // finishes what an interrupted rollout or rotation left
  return roll
}

await script(
  import.meta.url,
  `
Lists the secrets on the server, without their values, or replaces one of them with no failed request.

  npm run secrets [-- --host USER@NAME]
  npm run secrets -- rotate NAME

  NAME               ${list([...SECRETS])}
  --json             the list as JSON on standard output

Examples:
  npm run secrets
  npm run secrets -- rotate db_owner_password
`,
  secrets,
  2,
  'each',
)
