/** The parts of the page that change, as HTML. Pure: the board in, text out. */
import { count, list, seconds } from '../cli/say.mts'
import { byName } from '../cli/table.mts'
import { clock } from '../cli/time.mts'
import { lanes, legend, type Time } from '../page/chart.mts'
import { html, tableOf } from '../page/html.mts'
import { STATES } from '../page/states.mts'
import { stepLanes } from '../proof/lanes.mts'
import { KINDS } from '../proof/timeline.mts'
import type { Alarm } from '../status/alarm.mts'
import { alarmsOf } from '../status/alarms.mts'
import { type Shown, shown } from '../status/screen.mts'
import { type Board, WINDOW } from './board.mts'
import { chartTable } from './charts.mts'

/** By the id of the element that shows it; `title` is the document's. */
export type Parts = Record<string, string>

/**
 * @param where  how people call the server
 * @param status what \`npm run status\` shows; empty: nothing is known yet
 */
export function partsOf(board: Board, where: string, status = statusOf(board)): Parts {
  const now = board.now()
  const time: Time = {
    span: { from: now - WINDOW, to: now },
    origin: 0,
    label: (moment) => clock(moment).slice(0, 5),
  }
  return {
    link: linkOf(board, where, Object.keys(status).length > 0),
    underway: underWay(board),
    ...status,
    charts: chartTable(board, time.span),
    lanes:
      lanes('What each replica is at (time of day, UTC)', replicaLanes(board), time) + stepsOf(board, time),
  }
}

/** The words of the lanes, which do not change. */
export function legends(): string {
  const states = Object.entries(STATES).map(([kind, words]) => ({ kind, ...words }))
  const steps = Object.entries(KINDS).map(([kind, means]) => ({ kind, word: kind, means }))
  return `<h3>Replicas</h3>${legend(states)}<h3>Steps of a rollout</h3>${legend(steps)}`
}

function linkOf({ problem, next, problemSince, heard }: Board, where: string, known: boolean): string {
  if (!problem) return known ? '' : `<p>Looking at ${html(where)} …</p>`
  const [first = '', ...rest] = problem.split('\n')
  const more = rest.length > 0 ? `<pre>${html(rest.join('\n'))}</pre>` : ''
  const old = known ? ` What you see below is of ${timeOf(heard)} UTC.` : ''
  const help = next && `<p>Next: <code>${html(next)}</code></p>`
  return `<p class="bad">No news from ${html(where)} since ${timeOf(problemSince)} UTC: ${html(first)}</p>${more}${help}<p>The page tries again every few seconds, and goes on when the server answers.${old}</p>`
}

/** Who changes the server, and at which step. */
function underWay({ look }: Board): string {
  if (!look?.lock) return ''
  const steps = look.steps.filter(({ to }) => to === look.now)
  const told = steps.map(({ kind, names }) => `${kind} ${names}`)
  return `<p>Under way: ${html(look.lock)}${told.length > 0 ? `. Now: ${html(list(told))}` : ''}</p>`
}

/** What `npm run status` shows. */
function statusOf({ stack, facts, comparison }: Board): Parts {
  if (!facts || !comparison) return {}
  if (facts.containers.length === 0) return NOTHING
  const alarms = alarmsOf(stack, facts, Date.now())
  const { differs, note } = comparison
  return parts(stack.project, alarms, shown(stack, facts, differs), note)
}

/** @param note what redeploy would change; empty: nothing */
export function parts(
  project: string,
  alarms: readonly Alarm[],
  { release, hosts, replicas, services, server }: Shown,
  note: string,
): Parts {
  const number = alarms.length
  // The page says by itself what is under way, at once.
  const sentences = release.filter((line) => !line.startsWith('under way:'))
  return {
    title: number > 0 ? `(${number}) ${project}` : project,
    count: number > 0 ? `${count(number, 'thing')} out of the ordinary:` : 'Nothing is out of the ordinary.',
    alarms: alarmList(alarms),
    release: lines(note ? [...sentences, note] : sentences),
    ...(hosts && { hosts: tableOf(hosts.head, hosts.rows) }),
    replicas: tableOf(replicas.head, replicas.rows),
    services: tableOf(services.head, services.rows),
    server: lines(server),
  }
}

const NOTHING: Parts = {
  title: 'nothing deployed',
  count: 'Nothing is deployed.',
  alarms: '<p>Next: <code>npm run deploy</code></p>',
  release: '',
  replicas: '',
  services: '',
  server: '',
}

function alarmList(alarms: readonly Alarm[]): string {
  const items = alarms.map(({ what, next, grave }) => {
    const said = grave ? `<span class="bad">✗ ${html(what)}</span>` : `! ${html(what)}`
    return `<li>${said}<br>Next: <code>${html(next)}</code></li>`
  })
  return items.length > 0 ? `<ul>${items.join('')}</ul>` : ''
}

const lines = (all: readonly string[]) => all.map((line) => `<p>${html(line)}</p>`).join('')

function replicaLanes({ tracks, stack }: Board) {
  const all = [...tracks.values()].sort(byName)
  return all.map(({ name, turns }) => ({
    name: `${name.replace(`${stack.project}-`, '')} ${STATES[turns.at(-1)?.state ?? 'gone'].word}`,
    bands: turns
      .filter(({ state }) => state !== 'gone')
      .map(({ state, from, to }) => ({
        kind: state,
        from,
        to,
        title: `${STATES[state].word} for ${seconds(to - from)} since ${timeOf(from)} UTC`,
      })),
  }))
}

function stepsOf({ steps }: Board, time: Time): string {
  if (steps.length === 0) return '<p>No rollout in the last five minutes.</p>'
  return lanes('Steps of the rollout', stepLanes(steps), time)
}

/** `12:34:56`. */
const timeOf = (at: number) => clock(at).slice(0, 8)
