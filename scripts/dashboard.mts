/** A page on this machine that shows what runs, live. */
import { list, result, say } from './lib/cli/say.mts'
import { Board } from './lib/dashboard/board.mts'
import { page } from './lib/dashboard/page.mts'
import { partsOf } from './lib/dashboard/parts.mts'
import { serve } from './lib/dashboard/server.mts'
import { endSilently, type Run, script } from './lib/run.mts'

export async function dashboard({ stack, engine, options }: Run): Promise<void> {
  const board = new Board(stack)
  const feed = engine.feed(board)
  const where = list(engine.hosts.map(({ name }) => name))
  let looking = new AbortController()
  const { url } = await serve({
    page: page(stack.project, where, engine.hosts.length > 1),
    parts: () => partsOf(board, where, feed.status),
    opened: () => {
      looking = new AbortController()
      feed.run(looking.signal)
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
)
