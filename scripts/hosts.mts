/** The hosts of a deployment: lists them, takes one out of use and back into it, or removes it. */
import { NOTHING_CHANGED, OperatorError, WrongCall } from './lib/cli/errors.mts'
import { requireVerb } from './lib/cli/nearest.mts'
import { list, result, say } from './lib/cli/say.mts'
import { withLock } from './lib/host/lock.mts'
import { type Run, script } from './lib/run.mts'
import { activate, drain, remove } from './lib/swarm/maintain.mts'
import { hostRows, tableOf } from './lib/swarm/tables.mts'
import { lookAtSwarm } from './lib/swarm/view.mts'

const VERBS = { drain, activate, remove }

export async function hosts(run: Run): Promise<void> {
  const { host, stack, swarm, words } = run
  const [verb, name] = words
  if (!swarm)
    throw new OperatorError(
      'This deployment has one host (hosts in config/stack.yaml)',
      'npm run status',
      NOTHING_CHANGED,
    )
  if (verb === undefined) return result(tableOf(hostRows(await lookAtSwarm(host, stack))))
  requireVerb(verb, Object.keys(VERBS), 'npm run hosts -- drain, activate or remove HOST')
  if (name === undefined) throw new WrongCall('Which host?', `npm run hosts -- ${verb} HOST`)
  say(`hosts ${verb} ${name}`)
  await withLock(host, stack, `hosts ${verb} ${name}`, async () => {
    const { members } = await lookAtSwarm(host, stack)
    const member = members.find((one) => one.name === name)
    if (!member)
      throw new OperatorError(
        `There is no host ${name} in the swarm`,
        `One of ${list(members.map((one) => one.name))}.`,
        NOTHING_CHANGED,
      )
    await VERBS[verb as keyof typeof VERBS]({ swarm, manager: host, stack, member })
  })
  if (verb === 'remove') say(`Take ${name} out of hosts in config/stack.yaml, then: npm run deploy`)
}

await script(
  import.meta.url,
  `
Lists the hosts of a deployment with several. Takes one out of use for maintenance, back into it, or out for good.

  npm run hosts [-- drain|activate|remove HOST]

  HOST               as in hosts of config/stack.yaml

Examples:
  npm run hosts
  npm run hosts -- drain admin@b.example.org
`,
  hosts,
  2,
)
