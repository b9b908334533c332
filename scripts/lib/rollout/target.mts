/**
 * A target: a release, and everything that its replicas are started with. The server keeps it in FOLDER/targets/NAME. So a
 * rollback starts replicas with the settings of that time, and not with those of the checkout. Passwords are not kept: a
 * rollback uses the current ones.
 */
import { hash } from 'node:crypto'
import { parse, stringify } from 'yaml'
import { list, warn } from '../cli/say.mts'
import type { StackConfig } from '../config/config.mts'
import { type ServerFile, writeScript } from '../host/files.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, type Script } from '../host/shell.mts'
import { imageOf, requireThere } from '../images/release.mts'
import { appVariables, envFile, own } from '../stack/stack.mts'
import type { Replica } from './replica.mts'

export interface Target {
  /** RELEASE-DIGEST. In old deployments, which kept no targets, the release alone. */
  name: string
  release: string
  /** Digest of the passwords that its replicas get. */
  secrets: string
}

/** What a replica was started with. */
export type Origin = Pick<Replica, 'release' | 'target' | 'secrets'>

/** Whether a replica runs this target with the current passwords. */
export function isOf(target: Pick<Target, 'name' | 'secrets'>, replica: Replica): boolean {
  return replica.target === target.name && replica.secrets === target.secrets
}

/** How a replica differs from one that is started now; empty if it does not. */
export function difference(stack: StackConfig, wanted: Target, replica: Origin): string {
  const differs = [
    replica.release !== wanted.release && 'another release',
    replica.target !== nameOf(stack, replica.release) && 'other settings',
    replica.secrets !== wanted.secrets && (replica.secrets ? 'an older password' : 'unknown passwords'),
  ]
  return list(differs.filter((text) => text !== false))
}

/** The release in the name of a target. */
export const releaseOf = (name: string) => name.replace(/-[0-9a-f]{8}$/, '')

export const folderOf = (stack: StackConfig, name: string) => `${stack.folder}/targets/${name}`

/** The name of the target of a release with this configuration. */
export function nameOf(stack: StackConfig, release: string): string {
  const digest = hash('sha256', JSON.stringify(contents(stack, release)))
  return `${release}-${digest.slice(0, 8)}`
}

/** The files of a target's folder. The variable TARGET becomes a label of each replica. */
export function targetFiles(stack: StackConfig, release: string): ServerFile[] {
  const { definition, variables, environment } = contents(stack, release)
  const name = nameOf(stack, release)
  const at = (file: string) => `${folderOf(stack, name)}/${file}`
  return [
    { path: at('stack.yaml'), content: definition },
    { path: at('stack.env'), content: envFile({ ...variables, TARGET: name }) },
    { path: at('app.env'), content: envFile(environment), mode: '600' },
  ]
}

const HEAD = `# What the replicas of this target are started with. By hand, in this folder, one more replica:
#   docker compose --env-file stack.env -f stack.yaml up -d --no-recreate --scale app=3 app
`

/** The service `app` of compose/stack.yaml alone, on the networks of the stack, and the values of its variables. The same for one host and several. */
function contents(stack: StackConfig, release: string) {
  const file = parse(own('compose/stack.yaml'), { merge: true })
  const { scale: _, ...service } = file.services.app as { scale: string; networks: string[] }
  const app = { ...service, image: '${PROJECT}/app:${RELEASE}' }
  const networks = app.networks.map((name) => [name, { external: true, name: `\${PROJECT}_${name}` }])
  const definition = { name: '${PROJECT}', services: { app }, networks: Object.fromEntries(networks) }
  return {
    definition: HEAD + stringify(definition),
    variables: { ...appVariables(stack), RELEASE: release },
    environment: stack.app.environment,
  }
}

/** Keeps the target of a release with this checkout's configuration on the server. */
export async function keepTarget(host: Host, stack: StackConfig, release: string): Promise<Target> {
  const name = nameOf(stack, release)
  const folder = folderOf(stack, name)
  const revision = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
  const output = await host.run(
    `Keeping the target ${name}`,
    join([
      bash`install -d -m 700 ${stack.folder}/targets ${folder}; {`,
      writeScript(targetFiles(stack, release)),
      bash`
} >/dev/null
[ -s ${folder}/revision ] || docker image inspect -f ${revision} ${imageOf(stack, release)} >${folder}/revision`,
      secretsDigest(stack),
    ]),
  )
  return { name, release, secrets: output.trim() }
}

/** Reads a target that the server keeps. @throws OperatorError if its image is gone */
export async function keptTarget(host: Host, stack: StackConfig, name: string): Promise<Target> {
  const release = releaseOf(name)
  const folder = folderOf(stack, name)
  await requireThere(host, stack, release)
  const output = await host.run(
    `Looking at the target ${name}`,
    join([
      remote('keep-before', { folder: stack.folder, project: stack.project }),
      bash`[ -e ${folder}/app.env ] && echo kept || echo lost`,
      secretsDigest(stack),
    ]),
  )
  const [kept, secrets = ''] = output.split('\n')
  if (kept === 'kept') return { name, release, secrets }
  warn(
    `${host.name} has not kept the settings of release ${release}: it is started with those of this checkout.`,
  )
  return await keepTarget(host, stack, release)
}

/** Digest of the current passwords. */
export async function wantedSecrets(host: Host, stack: StackConfig): Promise<string> {
  return (await host.run('Looking at the passwords', secretsDigest(stack))).trim()
}

const secretsDigest = (stack: StackConfig): Script =>
  bash`{ cat ${stack.folder}/secrets/app.env 2>/dev/null || true; } | sha256sum | cut -c1-16`
