/** What a host does by itself when its engine starts, and before it is stopped. */
import { NOTHING_CHANGED, OperatorError } from '../cli/errors.mts'
import type { StackConfig } from '../config/config.mts'
import { OPENING } from '../host/frame.mts'
import type { Host } from '../host/host.mts'
import { bash, join, remote, Script } from '../host/shell.mts'
import { containerOf } from '../stack/stack.mts'

/** Seconds for which a host looks after its engine has started. */
const AFTER_START = 600
/** Seconds for a run that needs the containers. */
const NOW = 60
/** Seconds for the last requests of a load balancer whose host shuts down: as in compose/stack.yaml. */
const LAST = 30

const unitOf = ({ project }: StackConfig) => `${project}-attach`
/** On a host that is one of several. */
export const programOf = ({ folder }: StackConfig) => `${folder}/attach`

/**
 * Lets a host start containers that the engine could not attach to Swarm's networks, and close its load balancer first when it
 * shuts down.
 * @returns what changed
 */
export async function ensureAttaching(host: Host, stack: StackConfig): Promise<string[]> {
  const { project } = stack
  const program = join([
    bash`#!/bin/bash
# The server runs this after each start of the Docker Engine, and with the word close before it stops. Written by 04-stack.`,
    new Script(OPENING),
    bash`set -euo pipefail
if [ "\${1:-}" = close ]; then`,
    remote('close', { container: containerOf(stack, 'lb'), seconds: LAST }),
    bash`exit
fi`,
    remote('attach', { project, seconds: AFTER_START, once: 'no' }),
  ])
  const parameters = { unit: unitOf(stack), program: programOf(stack), text: program.text.trimEnd() }
  return await host.lines(
    'Preparing the start of containers',
    join([remote('write'), remote('attach-unit', parameters)]),
  )
}

/** For a run that takes the host for the only one, and would do the wrong thing with one of several. */
export const servesAlone = ({ name }: Host, stack: StackConfig) => ({
  script: bash`[ ! -e ${programOf(stack)} ]`,
  refusal: new OperatorError(
    `${name} is one of several hosts, and config/stack.yaml is for one`,
    `List all of them (hosts in config/stack.yaml), then the same command again. Or npm run deploy makes ${name} serve alone.`,
    NOTHING_CHANGED,
  ),
})

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
rm -f ${programOf(stack)} # first: as the unit stops, it would close the load balancer
systemctl disable -q --now ${unit} 2>/dev/null || true
systemctl reset-failed ${unit} 2>/dev/null || true
rm -f ${`/etc/systemd/system/${unit}.service`} ${`/etc/cron.d/${unit}`} ${programOf(stack)}`,
  )
}
