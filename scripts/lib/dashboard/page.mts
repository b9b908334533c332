/** The page: what does not change of it. */
import { html } from '../page/html.mts'
import { legends } from './parts.mts'

/**
 * @param where how people call the server
 * @param hosts whether there are several
 */
export function page(project: string, where: string, hosts = false): string {
  const part = (id: string, title: string, heading = title) =>
    `<h2>${heading}</h2><div id="${id}" class="wide" role="region" aria-label="${title}" tabindex="0"></div>`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(project)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
<script src="client.js" defer></script>
<main>
<h1>${html(project)} on ${html(where)}</h1>
<p id="ended" class="bad" role="alert" hidden>npm run dashboard has ended. What you see is what it knew last. Start it again, and open the address that it prints.</p>
<div id="link" role="alert"></div>
<p id="count" role="status"></p>
<div id="alarms"></div>
<div id="release"></div>
<div id="underway" aria-live="polite"></div>
${part('charts', 'The last five minutes')}
<div id="lanes"></div>
<details><summary>What the words mean</summary>${legends()}</details>
${hosts ? `${part('hosts', 'Hosts')}\n` : ''}${part('replicas', 'Replicas')}
${part('services', 'Services')}
<h2>${hosts ? 'Site' : 'Server'}</h2>
<div id="server"></div>
</main>
</html>
`
}
