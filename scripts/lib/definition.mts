/** What a replica is made from, as a digest on its container: how a later run tells whether it is still as configured. */
import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import type { StackConfig } from './config.mts'
import type { Host } from './host.mts'
import type { BaseImages } from './images.mts'
import { bash } from './shell.mts'
import { stackFile, stackVariables } from './stack.mts'

/** What shall run. */
export interface Target {
  release: string
  /** Digest of what a replica of it is made from (wantedConfig). */
  config: string
}

/**
 * The service `app` of compose/stack.yaml without how many there are of it, the values of the variables in it, and the application's own variables. The
 * database's password, which the server adds to it, is not here.
 */
export function definitionOf(stack: StackConfig, images: BaseImages, release: string): string {
  const { scale: _, ...app } = parse(stackFile(), { merge: true }).services.app
  const service = JSON.stringify(app)
  const values: Record<string, string | number> = { ...stackVariables(stack, images), RELEASE: release }
  const named = [...service.matchAll(/\$\{(\w+)/g)].map(([, name]) => name as string)
  return JSON.stringify([service, named.map((name) => values[name]), stack.app.environment])
}

/**
 * Digest of the replicas that this release would have now. Compose has one of its own (`config --hash`), but that leaves
 * out what env_file holds (2.26), and to ask Compose for anything takes longer than all the rest of a look.
 */
export async function wantedConfig(
  host: Host,
  stack: StackConfig,
  images: BaseImages,
  release: string,
): Promise<string> {
  const definition = createHash('sha256')
    .update(definitionOf(stack, images, release))
    .digest('hex')
  const output = await host.run(
    'Reading the service’s definition',
    bash`{ echo ${definition}; cat ${stack.folder}/secrets/app.env 2>/dev/null || true; } | sha256sum`,
  )
  return output.slice(0, 16)
}
