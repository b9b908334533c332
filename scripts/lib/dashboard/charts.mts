/** The small charts of the page: requests, latency and failures of everybody and of each replica, side by side. Pure. */
import { inOrder } from '../cli/table.mts'
import { linear, logarithmic, type Scale, type Span } from '../page/axis.mts'
import { line, type Point } from '../page/chart.mts'
import { html } from '../page/html.mts'
import type { Board, Second } from './board.mts'

/** Pixels. */
const HEIGHT = 44
const SECOND = 1000
/** Seconds whose mean is told as the present one. */
const RECENT = 10

/** What is asked of one replica, or of all. */
interface Row {
  name: string
  seconds: readonly Second[]
}

/** @param span what is shown, to the present */
export function chartTable(board: Board, span: Span): string {
  const rows = rowsOf(board)
  const shown = rows.flatMap(({ seconds }) => seconds)
  const requests = linear(Math.max(0, ...shown.map((one) => one.requests)), HEIGHT, '')
  const latency = logarithmic(Math.max(10, ...shown.map(({ p99 }) => p99)), HEIGHT, '')
  const failed = linear(Math.max(0, ...shown.map((one) => one.failed)), HEIGHT, '')
  const top = ({ ticks }: Scale) => ticks.at(-1)?.text
  const head = [
    'replica',
    `requests/s (0 to ${top(requests)})`,
    `latency, ms (1 to ${top(latency)}, logarithmic)`,
    `failures/s (0 to ${top(failed)})`,
  ]
  const lines = rows.map((row) => {
    const cells = [
      requestCell(row, span, requests),
      latencyCell(row, span, latency),
      failedCell(row, span, failed),
    ]
    return `<tr><th scope="row">${html(row.name)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  })
  const titles = head.map((title) => `<th scope="col">${title}</th>`)
  return `<table class="charts"><thead><tr>${titles.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table>`
}

/** All of them, then each replica that is there or was, then what none answered. */
function rowsOf({ seconds, tracks, stack }: Board): Row[] {
  const short = (name: string) => name.replace(`${stack.project}-`, '')
  const there = [...tracks.values()].flatMap(({ name, turns }) =>
    turns.at(-1)?.state === 'gone' ? [] : [name],
  )
  const names = [...new Set([...seconds.keys(), ...there])].filter((name) => name && name !== 'all')
  const replicas = names.sort(inOrder)
  const row = (name: string, shown: string) => ({ name: shown, seconds: seconds.get(name) ?? [] })
  return [
    row('all', 'all'),
    ...replicas.map((name) => row(name, short(name))),
    ...(seconds.has('') ? [row('', 'no replica')] : []),
  ]
}

function requestCell({ name, seconds }: Row, span: Span, scale: Scale): string {
  const recent = seconds.filter(
    ({ at }) => at >= span.to - (RECENT + 2) * SECOND && at < span.to - 2 * SECOND,
  )
  const rate = (sum(recent, 'requests') / RECENT).toFixed(1)
  const drawn = line(span, scale, everySecond(seconds, span, 'requests'), 'p50')
  return cell(`${rate} /s`, `${name}: requests each second, now ${rate}`, drawn)
}

function latencyCell({ name, seconds }: Row, span: Span, scale: Scale): string {
  const last = seconds.at(-1)
  const points = (key: 'p50' | 'p99') =>
    seconds.map((one) => ({ from: one.at, to: one.at + SECOND, value: one[key] }))
  const drawn = line(span, scale, points('p50'), 'p50') + line(span, scale, points('p99'), 'p99')
  const told = last ? `p50 ${last.p50} ms, p99 ${last.p99} ms` : 'no request'
  return cell(told, `${name}: latency, ${last ? `last ${told}` : told}`, drawn)
}

function failedCell({ name, seconds }: Row, span: Span, scale: Scale): string {
  const failed = sum(seconds, 'failed')
  const drawn = failed > 0 ? line(span, scale, everySecond(seconds, span, 'failed'), 'bad') : ''
  const told = `${failed} in 5 min`
  return cell(told, `${name}: failures, ${told}`, drawn, failed > 0)
}

const cell = (told: string, says: string, drawn: string, bad = false) =>
  `<span${bad ? ' class="bad"' : ''}>${told}</span><svg class="spark" role="img" aria-label="${html(says)}" height="${HEIGHT + 1}">${drawn}<line class="axis" x2="100%" y1="${HEIGHT}" y2="${HEIGHT}"/></svg>`

const sum = (seconds: readonly Second[], key: 'requests' | 'failed') =>
  seconds.reduce((all, one) => all + one[key], 0)

/** A value for each second, 0 where nothing was asked; equal ones are one point. */
function everySecond(seconds: readonly Second[], { from, to }: Span, key: 'requests' | 'failed'): Point[] {
  const of = new Map(seconds.map((one) => [one.at, one[key]]))
  const points: Point[] = []
  for (let at = Math.floor(from / SECOND) * SECOND; at < to - 2 * SECOND; at += SECOND) {
    const [value, last] = [of.get(at) ?? 0, points.at(-1)]
    if (last?.value === value) last.to = at + SECOND
    else points.push({ from: at, to: at + SECOND, value })
  }
  return points
}
