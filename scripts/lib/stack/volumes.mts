/** Whether images can go on with what the volumes hold: looked at before a container is replaced. */

import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { ownName } from '../images/base.mts'
import type { BaseImages } from '../images/images.mts'
import { containerOf, dataFolder } from './stack.mts'

/** Seconds in which Redis must have read what it has kept. */
const PATIENCE = 60

/** What scripts/remote/volumes.sh tells of images that do not run yet; a fact that is missing is no objection. */
export interface Facts {
  /** Folders, a blank between two, for which the image of PostgreSQL has a volume of its own. */
  volumes?: string
  /** What the image's `postgres --version` prints. */
  version?: string
  /** Number of the image's user `postgres`. */
  user?: string
  /** Major version of PostgreSQL that the volume is of, and the number of the user that it belongs to. */
  held?: string
  owner?: string
  /** Locale of the cluster in it, which the image does not have. */
  unknown?: string
  /** Why Redis cannot go on. */
  redis?: string
}

/** @throws OperatorError when an image cannot go on with what its volume holds; nothing was touched then */
export async function requireFit(host: Host, stack: StackConfig, images: BaseImages): Promise<void> {
  const [postgres, redis] = [
    ownName(stack, 'postgres', images.postgres),
    ownName(stack, 'redis', images.redis),
  ]
  const script = remote('volumes', { project: stack.project, postgres, redis, patience: PATIENCE })
  const output = await host.run('Looking at the volumes', script, { deadline: 2 * PATIENCE })
  const facts = output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
  const problem = misfit(stack, images, Object.fromEntries(facts) as Facts)
  if (problem) throw problem
}

/** What speaks against going on, in words for the operator. */
export function misfit(stack: StackConfig, images: BaseImages, facts: Facts): OperatorError | undefined {
  const { postgres, redis } = images
  const refuse = (what: string, next: string) =>
    new OperatorError(what, next, 'nothing was changed; what ran before runs.')
  const major = /\d+/.exec(facts.version ?? '')?.[0]
  const own = facts.volumes?.split(' ').filter((folder) => folder.startsWith('/var/lib/postgresql')) ?? []
  if (own.length > 0 && !own.includes(dataFolder(postgres)))
    return refuse(
      `The image ${postgres} keeps its data in ${own[0]}, and by its name it was expected to keep it in ${dataFolder(postgres)}`,
      `name it with its version (postgres:${major}) as base_images.postgres in config/stack.yaml.`,
    )
  const volume = `${stack.project}_db`
  if (facts.held && major && facts.held !== major)
    return refuse(
      `The volume ${volume} holds data of PostgreSQL ${facts.held}, and ${postgres} is PostgreSQL ${major}, which cannot read it`,
      move(stack, `To stay with PostgreSQL ${facts.held}, name its image as base_images.postgres`),
    )
  if (facts.held && facts.owner !== facts.user)
    return refuse(
      `The volume ${volume} belongs to user ${facts.owner}, and PostgreSQL in ${postgres} is user ${facts.user}, who cannot read it`,
      move(stack, 'To stay, name the image of before'),
    )
  if (facts.unknown)
    return refuse(
      `The database was made with the locale ${facts.unknown}, which ${postgres} does not have`,
      move(stack, 'To stay, name the image of before'),
    )
  if (facts.redis)
    return refuse(
      `${redis} cannot read what the volume ${stack.project}_redis holds: ${facts.redis}`,
      `to stay, name the image of before (images, base_images.redis in config/stack.yaml). To give up what Redis holds, on the server:
    sudo docker rm -f ${containerOf(stack, 'redis')} && sudo docker volume rm ${stack.project}_redis
  then run again.`,
    )
  return undefined
}

const BACKUP = 'prusa.dump'

/** How the data gets into a volume that the new image makes. */
function move(stack: StackConfig, stay: string): string {
  const db = containerOf(stack, 'db')
  return `${stay} (config/stack.yaml). To move the data, on the server, while nobody writes:
    sudo docker exec ${db} pg_dump -U postgres -Fc prusa >${BACKUP}
    sudo docker rm -f ${db} && sudo docker volume rm ${stack.project}_db
  then npx zx scripts/03-db.mts, and on the server:
    sudo docker exec -i ${db} pg_restore -U postgres -d prusa --clean --if-exists <${BACKUP}
  then npx zx scripts/03-db.mts once more, for the rights.`
}
