/** One self-contained page about one rollout: traffic by release, latency, failures and steps on the same time axis. */

import { count, seconds } from '../cli/say.mts'
import { BIN, type Column } from '../edge/traffic.mts'
import { type Sample, summarize } from './probe.mts'
import { applicationsOwn, type Step } from './timeline.mts'

export interface Report {
  from: string
  to: string
  result: string
  /** Milliseconds since 1970. */
  began: number
  ended: number
  steps: readonly Step[]
  samples: readonly Sample[]
  traffic: readonly Column[]
}

/** Pixels of the picture; the page scales it. */
const WIDTH = 1000
const LEFT = 150
const ROW = 20
const TRAFFIC_HEIGHT = 140
const LATENCY_HEIGHT = 160

const KINDS: Record<Step['kind'], string> = {
  schema: 'prepare the schema',
  start: 'start containers',
  ready: 'warm-up (the application’s own)',
  swap: 'change the load balancer',
  drain: 'drain (the application’s own)',
  finish: 'finish open requests',
  stop: 'stop and remove',
}

export function reportPage(report: Report): string {
  const { requests, failed, slowest, median, p99 } = summarize(report.samples)
  const took = report.ended - report.began
  const figures = [
    [count(requests, 'request'), `asked by the probe`],
    [String(failed.length), 'failed'],
    [`${slowest} ms`, `slowest (median ${median} ms, p99 ${p99} ms)`],
    [seconds(took), `in all, ${seconds(applicationsOwn(report.steps))} of it the application’s own waits`],
  ]
  const title = `Release ${report.from || 'none'} → ${report.to}: ${report.result}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title>
<style>${STYLE}</style>
<h1>${html(title)}</h1>
<p>${new Date(report.began).toISOString().replace('T', ' ').slice(0, 19)} UTC</p>
<dl>${figures.map(([value, label]) => `<div><dt>${value}</dt><dd>${label}</dd></div>`).join('')}</dl>
${picture(report)}
${failures(failed)}
</html>
`
}

function picture(report: Report): string {
  const rows = rowsOf(report.steps)
  const span = Math.max(1, report.ended - report.began)
  const x = (time: number) => LEFT + ((time - report.began) / span) * (WIDTH - LEFT - 10)
  const latencyTop = TRAFFIC_HEIGHT + 50
  const stepsTop = latencyTop + LATENCY_HEIGHT + 40
  const height = stepsTop + rows.length * ROW + 30
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Traffic, latency and steps over time">
${trafficPanel(report, x)}
<g transform="translate(0 ${latencyTop})">${latencyPanel(report, x)}</g>
<g transform="translate(0 ${stepsTop})">${stepsPanel(rows, x)}</g>
${timeAxis(span, x, report.began, height)}
</svg>`
}

type Scale = (time: number) => number

function trafficPanel({ traffic, from, to, began, ended }: Report, x: Scale): string {
  const shown = traffic.filter(({ at }) => at >= began - BIN && at <= ended)
  const bins = [...new Set(shown.map(({ at }) => at))]
  const total = (at: number) =>
    shown.filter((one) => one.at === at).reduce((sum, one) => sum + one.requests, 0)
  const most = Math.max(1, ...bins.map(total))
  const y = (requests: number) => (requests / most) * (TRAFFIC_HEIGHT - 20)
  const color = (release: string) => (release === to ? 'to' : release === from ? 'from' : 'other')
  const bars = bins.flatMap((at) => {
    let base = TRAFFIC_HEIGHT
    return shown
      .filter((one) => one.at === at)
      .map(({ release, requests }) => {
        base -= y(requests)
        const left = Math.max(LEFT, x(at))
        const width = Math.max(0.5, x(at + BIN) - left - 0.5)
        return `<rect class="${color(release)}" x="${n(left)}" y="${n(base)}" width="${n(width)}" height="${n(y(requests))}"><title>${html(release)}: ${(requests * 1000) / BIN} requests/s</title></rect>`
      })
  })
  const perSecond = Math.round((most * 1000) / BIN)
  const legend = [
    ['from', `release ${from || 'none'}`],
    ['to', `release ${to}`],
    ['other', 'no replica asked'],
  ].map(
    ([name, label], index) =>
      `<g transform="translate(${LEFT + index * 230} -12)"><rect class="${name}" width="10" height="10"/><text x="15" y="9">${html(label ?? '')}</text></g>`,
  )
  return `<g transform="translate(0 20)">${label('requests/s by release', TRAFFIC_HEIGHT)}${ruler(perSecond, '', TRAFFIC_HEIGHT)}${bars.join('')}${legend.join('')}</g>`
}

/** Each request a dot on a logarithmic scale from 1 ms; a failed one a red cross. */
function latencyPanel({ samples }: Report, x: Scale): string {
  const slowest = Math.max(10, ...samples.map(({ took }) => took))
  const y = (took: number) =>
    LATENCY_HEIGHT - (Math.log10(Math.max(1, took)) / Math.log10(slowest)) * (LATENCY_HEIGHT - 20)
  const dots = samples.map(({ due, took, error }) =>
    error
      ? `<path class="failed" d="M${n(x(due) - 4)} ${n(y(took) - 4)}l8 8m0 -8l-8 8"><title>${html(error)}</title></path>`
      : `<circle class="dot" cx="${n(x(due))}" cy="${n(y(took))}" r="1.6"/>`,
  )
  return `${label('latency, ms (log)', LATENCY_HEIGHT)}${ruler(slowest, ' ms', LATENCY_HEIGHT)}${dots.join('')}`
}

/** A line of the picture: steps of one kind, one after the other. */
interface Row {
  kind: Step['kind']
  steps: Step[]
}

/** Steps of a kind that overlap lie on lines of their own; the kinds are in the order in which they begin. */
export function rowsOf(steps: readonly Step[]): Row[] {
  const rows: Row[] = []
  const inOrder = [...steps].sort((a, b) => a.from - b.from)
  for (const step of inOrder) {
    const free = rows.find(({ kind, steps }) => kind === step.kind && (steps.at(-1)?.to ?? 0) <= step.from)
    if (free) free.steps.push(step)
    else rows.push({ kind: step.kind, steps: [step] })
  }
  const kinds = [...new Set(rows.map(({ kind }) => kind))]
  return rows.sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind))
}

function stepsPanel(rows: readonly Row[], x: Scale): string {
  const lines = rows.map(({ kind, steps }, row) => {
    const bands = steps.map(({ names, from, to }) => {
      const width = Math.max(2, x(to) - x(from))
      return `<rect class="band ${kind}" x="${n(x(from))}" y="${row * ROW + 3}" width="${n(width)}" height="${ROW - 6}" rx="2"><title>${html(names)}: ${seconds(to - from)}</title></rect>`
    })
    const first = rows.findIndex((one) => one.kind === kind) === row
    const name = `<text class="name" x="${LEFT - 8}" y="${row * ROW + 14}">${kind}<title>${KINDS[kind]}</title></text>`
    return (first ? name : '') + bands.join('')
  })
  return lines.join('')
}

function timeAxis(span: number, x: Scale, began: number, height: number): string {
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((one) => span / 1000 / one <= 12) ?? 1800
  const ticks = Array.from({ length: Math.floor(span / 1000 / step) + 1 }, (_, index) => index * step)
  return ticks
    .map((tick) => {
      const at = n(x(began + tick * 1000))
      return `<line class="grid" x1="${at}" x2="${at}" y1="20" y2="${height - 18}"/><text x="${at}" y="${height - 4}" text-anchor="middle">${tick} s</text>`
    })
    .join('')
}

const label = (text: string, height: number) =>
  `<text class="name" x="${LEFT - 8}" y="${height / 2}">${text}</text>`
const ruler = (most: number, unit: string, height: number) =>
  `<line class="grid" x1="${LEFT}" x2="${WIDTH - 10}" y1="20" y2="20"/><text class="name" x="${LEFT - 8}" y="24">${most}${unit}</text><line class="axis" x1="${LEFT}" x2="${WIDTH - 10}" y1="${height}" y2="${height}"/>`

function failures(failed: readonly Sample[]): string {
  if (failed.length === 0) return '<p>No request failed.</p>'
  const rows = failed.map(
    ({ due, error, during }) =>
      `<tr><td>${new Date(due).toISOString().slice(11, 23)}</td><td>${html(error)}</td><td>${html(during)}</td></tr>`,
  )
  return `<table><caption>Failed requests</caption><tr><th>when (UTC)</th><th>error</th><th>during</th></tr>${rows.join('')}</table>`
}

const n = (value: number) => value.toFixed(1)

function html(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (character) => names[character] as string)
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --faint: #d9dee5; --soft: #5b6675; --from: #3b78c4; --to: #e08a1e; --other: #9aa4b1; --bad: #c8102e; --own: #8a5fbf; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --paper: #12161c; --faint: #2c3440; --soft: #9aa6b5; --from: #6aa6f0; --to: #f2a950; --other: #67717f; --bad: #ff5c6e; --own: #b793e6; } }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; margin-bottom: 0; overflow-wrap: anywhere; }
p { color: var(--soft); margin-top: .2rem; }
dl { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; }
dt { font-size: 1.5rem; font-weight: 600; } dd { margin: 0; color: var(--soft); }
svg { width: 100%; height: auto; } text { font: 12px system-ui, sans-serif; fill: var(--soft); } .name { text-anchor: end; }
.grid { stroke: var(--faint); } .axis { stroke: var(--soft); }
.from { fill: var(--from); } .to { fill: var(--to); } .other { fill: var(--other); }
.dot { fill: var(--from); fill-opacity: .55; } .failed { stroke: var(--bad); stroke-width: 2; fill: none; }
.band { fill: var(--to); } .ready, .drain { fill: var(--own); } .finish { fill: var(--other); }
table { border-collapse: collapse; } caption { text-align: left; color: var(--bad); font-weight: 600; } th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--faint); }
`
