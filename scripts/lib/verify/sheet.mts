/** The task sheet, line by line: the requirement, whether it is met, and the evidence. */
import { containers, database, server } from './server-lines.mts'
import { balancer, redeploy } from './site-lines.mts'
import type { Facts, Line, Verdict } from './verdict.mts'

const CHAPTERS: Record<string, (facts: Facts) => Line[]> = {
  'Prepare the server': server,
  'Dockerize the application': containers,
  Database: database,
  'Load balancing and SSL': balancer,
  'Redeploy script': redeploy,
}

export function judge(facts: Facts): Verdict[] {
  return Object.entries(CHAPTERS).flatMap(([chapter, linesFor]) =>
    linesFor(facts).map((line) => ({ chapter, ...line })),
  )
}
