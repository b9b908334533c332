/** Prints the rollouts of a server as a table. */

import { result, say } from './lib/cli/say.mts'
import { historyTable, readHistory } from './lib/proof/history.mts'
import { type Run, script } from './lib/run.mts'

export async function printHistory({ host, stack, options }: Run): Promise<void> {
  const entries = await readHistory(host, stack)
  if (options.json) result(JSON.stringify(entries, null, 2))
  else if (entries.length > 0) result(historyTable(entries))
  else say(`No rollout on ${host.name} yet. Next: npm run deploy`)
}

await script(
  import.meta.url,
  `
Prints every rollout: who, when, from, to, result, requests, failures, seconds.

  npm run history [-- --host USER@NAME]

  --json             as JSON on standard output

Examples:
  npm run history
  npm run history -- --json
`,
  printHistory,
)
