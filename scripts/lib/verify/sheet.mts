/** The task sheet, line by line: what was required, whether it is so, and the evidence. Pure: facts in, verdicts out. */
import { containers, database, server } from './server-lines.mts'
import { balancer, redeploy } from './site-lines.mts'
import type { Facts, Verdict } from './verdict.mts'

export function judge(facts: Facts): Verdict[] {
  return [...server(facts), ...containers(facts), ...database(facts), ...balancer(facts), ...redeploy(facts)]
}
