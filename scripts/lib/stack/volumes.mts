/** Checks whether new images can use the data in the volumes, before a container is replaced. */
import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import { rowsIn } from '../host/facts.mts'
import type { Host } from '../host/host.mts'
import { remote } from '../host/shell.mts'
import { ownName } from '../images/base.mts'
import type { BaseImages } from '../images/images.mts'
import { containerOf, dataFolder } from './stack.mts'

/** Seconds in which Redis must have read its data. */
const PATIENCE = 60

/** What volumes.sh prints of images that do not run yet. A missing fact is no objection. */
export interface Facts {
  /** Folders of the PostgreSQL image that are volumes, separated by blanks. */
  volumes?: string
  /** Output of the image's `postgres --version`. */
  version?: string
  /** Id of the image's user `postgres`. */
  user?: string
  /** Major version of PostgreSQL of the data in the volume. */
  held?: string
  /** Id of the user who owns the volume. */
  owner?: string
  /** Locale of the data that the image does not have. */
  unknown?: string
  /** Why Redis cannot read its data. */
  redis?: string
}

/** @throws OperatorError when an image cannot use the data in its volume; nothing was changed then */
export async function requireFit(host: Host, stack: StackConfig, images: BaseImages): Promise<void> {
  const [postgres, redis] = [
    ownName(stack, 'postgres', images.postgres),
    ownName(stack, 'redis', images.redis),
  ]
  const script = remote('volumes', { project: stack.project, postgres, redis, patience: PATIENCE })
  const output = await host.run('Looking at the volumes', script, { deadline: 2 * PATIENCE })
  const problem = misfit(stack, images, Object.fromEntries(rowsIn(output)) as Facts)
  if (problem) throw problem
}

/** The first reason against the new images; undefined if there is none. */
export function misfit(stack: StackConfig, images: BaseImages, facts: Facts): OperatorError | undefined {
  const { postgres, redis } = images
  const refuse = (what: string, next: string) =>
    new OperatorError(what, next, 'nothing was changed; what ran still runs.')
  const major = /\d+/.exec(facts.version ?? '')?.[0]
  const own = facts.volumes?.split(' ').filter((folder) => folder.startsWith('/var/lib/postgresql')) ?? []
  if (own.length > 0 && !own.includes(dataFolder(postgres)))
    return refuse(
      `The image ${postgres} keeps its data in ${own[0]}, but by its name it should be ${dataFolder(postgres)}`,
      `Set base_images.postgres in config/stack.yaml to a name with the version (postgres:${major}).`,
    )
  const volume = `${stack.project}_db`
  if (facts.held && major && facts.held !== major)
    return refuse(
      `The volume ${volume} holds data of PostgreSQL ${facts.held}, and ${postgres} is PostgreSQL ${major}, which cannot read it`,
      howToMove(stack),
    )
  if (facts.held && facts.owner !== facts.user)
    return refuse(
      `The volume ${volume} belongs to user ${facts.owner}, and PostgreSQL in ${postgres} is user ${facts.user}, who cannot read it`,
      howToMove(stack),
    )
  if (facts.unknown)
    return refuse(
      `The database was made with the locale ${facts.unknown}, which ${postgres} does not have`,
      howToMove(stack),
    )
  if (facts.redis)
    return refuse(
      `${redis} cannot read the data in the volume ${stack.project}_redis: ${facts.redis}`,
      `To keep the old image, set images or base_images.redis in config/stack.yaml as before. To delete the data of Redis, on the server:
    sudo docker rm -f ${containerOf(stack, 'redis')} && sudo docker volume rm ${stack.project}_redis
  then run again.`,
    )
  return undefined
}

/** The two remedies: keep the old image, or move the data to a volume of the new one. */
function howToMove(stack: StackConfig): string {
  return `To keep the old image, set base_images.postgres in config/stack.yaml to its name. To move the data:
    npm run maintenance -- on
    npm run backup
  on the server: sudo docker rm -f ${containerOf(stack, 'db')} && sudo docker volume rm ${stack.project}_db
  then, with the name that the backup printed for FILE:
    npm run deploy
    npm run restore -- FILE
    npm run maintenance -- off`
}
