/** What every step of a rollout works with. */
import type { StackConfig } from '../config/config.mts'
import type { BalancerState } from '../edge/balancer-state.mts'
import type { Host } from '../host/host.mts'
import type { Proof } from '../proof/proof.mts'
import type { AbortOnErrors } from './abort-on-errors.mts'

export interface Context {
  readonly host: Host
  readonly stack: StackConfig
  /** What the balancer says of the replicas, as it changes. */
  readonly pool: BalancerState
  readonly proof: Proof
  readonly abort: AbortOnErrors
}
