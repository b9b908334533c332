/** What the keys of config/stack.yaml ask of each other. */
import { OperatorError } from '../cli/errors.mts'
import type { StackConfig } from './config.mts'
import { UNTOUCHED } from './schema.mts'

/** Seconds for which Swarm waits for the end of an old replica before it starts a fresh one, whatever is configured (swarmkit, oldTaskTimeout). */
const SWARM_GRACE = 60

/**
 * Checks what a list of hosts excludes.
 * @throws OperatorError that names both keys
 */
export function checkHosts({ host, hosts, address, rollout }: StackConfig, file: string): void {
  const refuse = (what: string, next: string): never => {
    throw new OperatorError(`${file}: ${what}`, next, UNTOUCHED)
  }
  if (hosts.length > 0 && host !== 'local')
    refuse('host (DEPLOY_HOST) and hosts are both set', 'Keep host for one server, or hosts for several.')
  const twice = hosts.find((one, index) => hosts.indexOf(one) < index)
  if (twice) refuse(`hosts lists ${twice} twice`, 'List each host once.')
  if (hosts.length < 2) return
  if (hosts.indexOf('local') > 0)
    refuse(
      'hosts lists local, and not as the first: the first host holds the data, and of all others this machine must know the address',
      'List local first, or list this machine as ssh reaches it: USER@NAME.',
    )
  if (address)
    refuse(
      'address is where the site of one host answers; with several hosts, each answers at its own address',
      'Leave address empty. The name that all hosts share is domain.',
    )
  if (rollout.order === 'stop-first' && rollout.drain_timeout > SWARM_GRACE)
    refuse(
      `with several hosts and rollout.order: stop-first, rollout.drain_timeout may be ${SWARM_GRACE} s at most, not ${rollout.drain_timeout} s: after ${SWARM_GRACE} s Docker Swarm starts the fresh replica, whether the old one has stopped or not`,
      `Set rollout.drain_timeout to ${SWARM_GRACE} or less, or choose rollout.order: start-first.`,
    )
}

/**
 * Checks that a rollout waits for an old replica's requests as long as a request may take.
 * @throws OperatorError that names both keys
 */
export function checkWaits({ app, rollout }: StackConfig, file: string): void {
  if (app.timeout > rollout.balancer_timeout)
    throw new OperatorError(
      `${file}: app.timeout is ${app.timeout} s, but a rollout waits only ${rollout.balancer_timeout} s for an old replica’s last requests (rollout.balancer_timeout)`,
      'Set rollout.balancer_timeout to at least app.timeout.',
      UNTOUCHED,
    )
}

/** Checks that the keys which a choice of `tls` needs are set. @throws OperatorError that names the file and the key */
export function checkTls({ tls, domain, tls_files }: StackConfig, file: string): void {
  const missing =
    (tls === 'letsencrypt' && domain === '' && 'domain') ||
    (tls === 'files' && tls_files.certificate === '' && 'tls_files.certificate') ||
    (tls === 'files' && tls_files.key === '' && 'tls_files.key')
  if (missing)
    throw new OperatorError(
      `${file}: tls: ${tls} needs ${missing}, which is empty`,
      `Set ${missing} there, or choose tls: self-signed.`,
      UNTOUCHED,
    )
}
