/** The service of the replicas: its definition, and what Swarm says of it. */
import { hash } from 'node:crypto'
import { parse } from 'yaml'
import type { StackConfig } from '../config/config.mts'
import { onEach } from '../host/each.mts'
import type { Host } from '../host/host.mts'
import { bash, remote } from '../host/shell.mts'
import { imageOf } from '../images/release.mts'
import type { Target } from '../rollout/target.mts'
import { own, serviceOf } from '../stack/stack.mts'
import { order } from './order.mts'
import { lookAtSwarm, type View } from './view.mts'

/** Label of a host that has the image of a release. */
export const releaseLabel = ({ project }: StackConfig, release: string) => `${project}.release.${release}`

/** Label of the service: a digest of what compose/swarm.yaml says of it. */
export const SETTINGS = 'prusa.settings'

interface Definition {
  services: { app: { deploy: Record<string, unknown> } }
  networks: Record<string, unknown>
}

/** What compose/swarm.yaml says with the values of this configuration, and a digest of what it says of the replicas. */
export function definitionOf(
  stack: StackConfig,
  release: string,
): { definition: Definition; digest: string } {
  const { app, project, rollout } = stack
  const values: Record<string, string | number> = {
    PROJECT: project,
    RELEASE: release,
    REPLICAS: app.replicas,
    ORDER: rollout.order,
    SURGE: rollout.surge === 'all' ? 0 : rollout.surge,
    READY_TIMEOUT: rollout.ready_timeout,
  }
  const text = own('compose/swarm.yaml').replaceAll(/\$\{(\w+)\}/g, (whole, key) =>
    String(values[key] ?? whole),
  )
  const definition = parse(text, { merge: true }) as Definition
  const digest = hash('sha256', JSON.stringify(definition.services.app)).slice(0, 8)
  definition.services.app.deploy.labels = { [SETTINGS]: digest }
  return { definition, digest }
}

/**
 * Gives the service a target. Returns at once; Swarm replaces the replicas.
 * @param again whether it replaces them also when they are of this target
 */
export async function deployService(
  host: Host,
  stack: StackConfig,
  target: Target,
  again: boolean,
): Promise<void> {
  const { project, folder } = stack
  const { definition } = definitionOf(stack, target.release)
  const parameters = {
    folder,
    project,
    target: target.name,
    secrets: target.secrets,
    image: imageOf(stack, target.release),
    own: JSON.stringify(definition),
  }
  await order(host, `Giving Swarm release ${target.release}`, remote('deploy-service', parameters))
  if (again)
    await order(
      host,
      'Replacing them',
      bash`docker service update --detach --force ${serviceOf(stack)} >/dev/null`,
    )
}

/** Whether the service has this target and the settings of this configuration, and Swarm has not given up on it. */
export function isGiven({ service }: View, stack: StackConfig, { name, secrets, release }: Target): boolean {
  return (
    service?.target === name &&
    service.secrets === secrets &&
    service.settings === definitionOf(stack, release).digest &&
    !service.update.endsWith('paused')
  )
}

/** Lets Swarm go back to the definition before the last one. Returns at once. */
export async function undoUpdate(host: Host, stack: StackConfig): Promise<void> {
  await order(
    host,
    'Going back',
    bash`docker service update --detach --rollback ${serviceOf(stack)} >/dev/null`,
  )
}

/** Seconds, beside what the application may take, until replicas have ended. */
const SLACK = 60

/** Removes the service, and waits until its replicas have ended on these hosts. Each prepares first. @returns whether there was one */
export async function endReplicas(
  manager: Host,
  hosts: readonly Host[],
  stack: StackConfig,
): Promise<boolean> {
  const { drain_timeout, stop_timeout } = stack.rollout
  const { service } = await lookAtSwarm(manager, stack)
  if (service) await removeService(manager, stack)
  await manager.run('Forgetting the certificate', remote('forget-certificate', { project: stack.project }))
  const label = `label=com.docker.swarm.service.name=${serviceOf(stack)}`
  const gone = bash`while [ -n "$(docker ps -aq --filter ${label})" ]; do sleep 0.2; done`
  const options = { deadline: drain_timeout + stop_timeout + SLACK }
  await onEach(hosts, (host) => host.run('Waiting for the end of the replicas', gone, options))
  return service !== undefined
}

/** The names of services in the swarm that are not of this deployment. */
export async function otherServices(manager: Host, stack: StackConfig): Promise<string[]> {
  return await manager.lines(
    'Looking for other services',
    bash`docker service ls --format '{{.Name}}' | grep -vxF ${serviceOf(stack)} || true`,
  )
}

/** Removes the service: for a first release that never got ready. */
export async function removeService(host: Host, stack: StackConfig): Promise<void> {
  await order(host, 'Removing the service', bash`docker service rm ${serviceOf(stack)} >/dev/null`)
}
