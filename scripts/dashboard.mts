/** A page on this machine that shows what runs, live. */
import { list, result, say } from './lib/cli/say.mts'
import { Board } from './lib/dashboard/board.mts'
import { feed } from './lib/dashboard/feed.mts'
import { HostsFeed } from './lib/dashboard/hosts.mts'
import { page } from './lib/dashboard/page.mts'
import { partsOf } from './lib/dashboard/parts.mts'
import { serve } from './lib/dashboard/server.mts'
import { endSilently, type Run, script } from './lib/run.mts'

export async function dashboard({ host, stack, swarm, options }: Run): Promise<void> {
  const board = new Board(stack)
  const all = swarm && new HostsFeed(swarm, board)
  const where = swarm ? list(swarm.hosts.map(({ name }) => name)) : host.name
  let looking = new AbortController()
  const { url } = await serve({
    page: page(stack.project, where, swarm !== undefined),
    parts: () => partsOf(board, where, all?.status),
    opened: () => {
      looking = new AbortController()
      if (all) all.run(looking.signal)
      else feed(host, board, looking.signal)
    },
    closed: () => looking.abort(),
  })
  endSilently()
  if (options.json) return result(JSON.stringify({ url }))
  result(url)
  say(`Open this address in a browser on this machine. It shows ${where} until you press Ctrl-C here.`)
}

await script(
  import.meta.url,
  `
Shows what runs as a page in your browser, live: what status shows, charts of each replica, and a rollout as it happens.
The page is on this machine alone, behind a token in its address. It changes nothing, and looks at the server only while
it is open.

  npm run dashboard [-- --host USER@NAME]

  --json             the address as JSON on standard output

Examples:
  npm run dashboard
  npm run dashboard -- --host admin@203.0.113.7
`,
  dashboard,
  0,
  'any',
)
