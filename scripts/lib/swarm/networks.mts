/** The networks that reach over all hosts: Swarm's for the replicas, and Compose's for everything else. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { bash } from '../host/shell.mts'
import { nodesOf } from './joining.mts'
import type { Node } from './node.mts'

/** As compose/swarm.yaml names them. */
export const networksOf = ({ project }: StackConfig) => [
  `${project}_swarm_frontend`,
  `${project}_swarm_backend`,
]

/** Whether the networks that are made are encrypted. */
export function isEncrypted({ swarm }: StackConfig, nodes: Pick<Node, 'encrypts'>[]): boolean {
  return swarm.encrypted === 'yes' || (swarm.encrypted === 'auto' && nodes.every((one) => one.encrypts))
}

/** Makes the networks that are missing. @param hosts the first one is a manager @returns what was done, in words */
export async function makeNetworks(hosts: readonly Host[], stack: StackConfig): Promise<string[]> {
  const encrypts = isEncrypted(stack, await nodesOf(hosts, stack))
  const [frontend = '', backend = ''] = networksOf(stack)
  const made = await (hosts[0] as Host).lines(
    'Making the networks',
    bash`
make() { # NAME [OPTION…]
  ! docker network inspect "$1" >/dev/null 2>&1 || return 0
  docker network create --driver overlay --attachable ${encrypts ? ['--opt', 'encrypted'] : []} "\${@:2}" "$1"
}
make ${frontend}
make ${backend} --internal`,
  )
  return made.length > 0 ? [`networks made, ${encrypts ? 'encrypted' : 'not encrypted'}`] : []
}
