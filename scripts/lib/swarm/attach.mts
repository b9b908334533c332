/** Containers of Compose on Swarm's networks: the engine does not always get them to run when a host comes back. */
import type { StackConfig } from '../config/config.mts'
import { OPENING } from '../host/frame.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, Script } from '../host/shell.mts'

/** Seconds for which a host looks after its engine has started. */
const AFTER_START = 600
/** Seconds for a run that needs the containers. */
const NOW = 60

const unitOf = ({ project }: StackConfig) => `${project}-attach`
const programOf = ({ folder }: StackConfig) => `${folder}/attach`

/** Lets a host start such containers by itself. @returns what changed */
export async function ensureAttaching(host: Host, stack: StackConfig): Promise<string[]> {
  const { project } = stack
  const program = join([
    bash`#!/bin/bash
# The server runs this after each start of the Docker Engine. Written by 04-stack.`,
    new Script(OPENING),
    bash`set -euo pipefail`,
    remote('attach', { project, seconds: AFTER_START, once: 'no' }),
  ])
  const parameters = { unit: unitOf(stack), program: programOf(stack), text: program.text.trimEnd() }
  return await host.lines(
    'Preparing the start of containers',
    join([remote('write'), remote('attach-unit', parameters)]),
  )
}

/** Starts such containers now. */
export async function attach(host: Host, { project }: StackConfig): Promise<void> {
  const script = remote('attach', { project, seconds: NOW, once: 'yes' })
  await host.run('Starting containers', script, { deadline: NOW + 60 })
}

/** Removes the unit and its program. */
export async function removeAttaching(host: Host, stack: StackConfig): Promise<void> {
  const unit = unitOf(stack)
  await host.run(
    'Removing the start of containers',
    bash`
systemctl disable -q ${unit} 2>/dev/null || true
rm -f ${`/etc/systemd/system/${unit}.service`} ${`/etc/cron.d/${unit}`} ${programOf(stack)}`,
  )
}
