/** The networks of the services' containers. */
import type { StackConfig } from '../config/config.mts'
import type { Host } from '../host/host.mts'
import { join, remote } from '../host/shell.mts'
import { composeFor } from './stack.mts'

/** Seconds. */
const DEADLINE = 120

/** Connects the containers to the networks of the stack's file, which are others with several hosts than with one. */
export async function connect(host: Host, stack: StackConfig): Promise<void> {
  const script = join([composeFor(stack, 'none'), remote('connect', { project: stack.project })])
  await host.run('Connecting the containers', script, { deadline: DEADLINE })
}
