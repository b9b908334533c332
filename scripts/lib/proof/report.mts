/** One self-contained page about one rollout: traffic by release, latency, replicas and steps on the same axis of time. */
import { count, seconds } from '../cli/say.mts'
import { clock, second } from '../cli/time.mts'
import { BIN, type Column } from '../edge/traffic.mts'
import { across, linear, logarithmic, type Scale, type Span } from '../page/axis.mts'
import { bar, chart, lanes, legend, line, type Time } from '../page/chart.mts'
import { html, tableOf } from '../page/html.mts'
import { STATES } from '../page/states.mts'
import { STYLE } from '../page/style.mts'
import { replicaLanes, stepLanes } from './lanes.mts'
import { phasesOf, phaseTable } from './phases.mts'
import { type Sample, type Summary, summarize } from './probe.mts'
import { applicationsOwn, KINDS, type Step } from './timeline.mts'

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

/** Pixels. */
const HEIGHT = 140

export function reportPage(report: Report): string {
  const { from, to, result, began, ended, steps, samples } = report
  const summary = summarize(samples)
  const title = `Release ${from || 'none'} → ${to}: ${result}`
  const span = { from: began, to: Math.max(began + 1, ended) }
  const time: Time = { span, origin: began, label: (moment) => `${(moment - began) / 1000} s` }
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${html(title)}</title>
<style>${STYLE}</style>
<main>
<h1>${html(title)}</h1>
<p>Began at ${second(began)} UTC. The charts count seconds (s) from there.</p>
${figures(summary, report)}
${phaseTable(phasesOf(steps, samples))}
${trafficChart(report, time)}
${latencyChart(report, time)}
${replicaChart(report, time)}
${stepChart(report, time)}
${failures(summary.failed)}
</main>
</html>
`
}

function figures({ requests, failed, slowest, p50, p99 }: Summary, { began, ended, steps }: Report): string {
  const all = [
    [count(requests, 'request'), 'asked by the probe'],
    [String(failed.length), 'failed'],
    [`${slowest} ms`, `slowest (p50 ${p50} ms, p99 ${p99} ms)`],
    [seconds(ended - began), `in all, ${seconds(applicationsOwn(steps))} of it the application’s own waits`],
  ]
  return `<dl class="figures">${all.map(([value, label]) => `<div><dt>${value}</dt><dd>${label}</dd></div>`).join('')}</dl>`
}

/** Class and name of each side of a rollout. */
function sideOf({ from, to }: Report, release: string): { kind: string; word: string; means: string } {
  if (release === to) return { kind: 'to', word: `release ${to}`, means: 'Its replicas answered.' }
  if (release === from) return { kind: 'from', word: `release ${from}`, means: 'Its replicas answered.' }
  if (release === 'none')
    return { kind: 'none', word: 'no replica', means: 'The load balancer answered by itself, or nobody did.' }
  return {
    kind: 'other',
    word: `release ${release}`,
    means: 'Its replicas answered; the rollout did not expect it.',
  }
}

/** In groups of one key each, the lowest key first. */
function grouped<T>(items: readonly T[], key: (item: T) => number): [number, T[]][] {
  const groups = new Map<number, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return [...groups].sort(([a], [b]) => a - b)
}

function trafficChart(report: Report, time: Time): string {
  const { began, ended } = report
  const shown = report.traffic.filter(({ at }) => at > began - BIN && at <= ended)
  const columns = grouped(shown, ({ at }) => at)
  const rate = (requests: number) => (requests * 1000) / BIN
  const most = Math.max(
    ...columns.map(([, parts]) => rate(parts.reduce((sum, { requests }) => sum + requests, 0))),
  )
  const scale = linear(most, HEIGHT, ' /s')
  const bars = columns.map(([at, parts]) => {
    const drawn = parts.map(({ release, requests }) => {
      const { kind, word } = sideOf(report, release)
      return { kind, value: rate(requests), title: `${word}: ${rate(requests)} requests/s` }
    })
    return bar(time.span, { from: Math.max(began, at), to: Math.min(ended, at + BIN) }, scale, drawn)
  })
  const releases = [...new Set([report.from || report.to, report.to, ...shown.map(({ release }) => release)])]
  const title = 'Requests of all clients per second, by the release that answered'
  const says = `${title}: at most ${most}.`
  return (
    chart(title, says, scale, time, bars.join('')) +
    legend(releases.map((release) => sideOf(report, release)))
  )
}

/** Milliseconds of a step of a line, at least. */
const STEP = 1000
/** Steps of a line, at most. */
const MOST_STEPS = 100

/** Each request is a dot, a failed one a cross; p50 and p99 are lines. */
function latencyChart({ samples, began, ended }: Report, time: Time): string {
  const { slowest, p50, p99 } = summarize(samples)
  const scale = logarithmic(slowest, HEIGHT, ' ms')
  const width = Math.max(STEP, Math.ceil((ended - began) / MOST_STEPS / STEP) * STEP)
  const steps = grouped(samples, ({ due }) => Math.floor((due - began) / width)).map(([index, own]) => ({
    from: began + index * width,
    to: began + (index + 1) * width,
    ...summarize(own),
  }))
  const lines = (['p50', 'p99'] as const).map((kind) => {
    const points = steps.map((one) => ({ ...one, value: one[kind] }))
    return line(time.span, scale, points, kind)
  })
  const title = 'Latency of the probe’s requests, in milliseconds (logarithmic)'
  const each = width === STEP ? 'each second' : `each ${width / 1000} seconds`
  const words = [
    { kind: 'p50', word: 'p50', means: `Half of the requests of ${each} took no longer.` },
    { kind: 'p99', word: 'p99', means: `99 % of the requests of ${each} took no longer.` },
    { kind: 'dot', word: 'request', means: 'One request; a cross is one that failed.' },
  ]
  const says = `${title}: p50 ${p50} ms, p99 ${p99} ms, slowest ${slowest} ms.`
  return chart(title, says, scale, time, dots(samples, time.span, scale) + lines.join('')) + legend(words)
}

const dots = (samples: readonly Sample[], span: Span, { y }: Scale) =>
  samples
    .map(({ due, took, error }) =>
      error
        ? `<svg x="${across(span, due)}" y="${y(took).toFixed(1)}"><path class="failed" d="M-4 -4l8 8m0 -8l-8 8"><title>${html(error)}</title></path></svg>`
        : `<circle class="dot" cx="${across(span, due)}" cy="${y(took).toFixed(1)}" r="1.6"/>`,
    )
    .join('')

function replicaChart({ steps, began, ended }: Report, time: Time): string {
  const all = replicaLanes(steps, began, ended)
  const shown = new Set(all.flatMap(({ bands }) => bands.map(({ kind }) => kind)))
  const words = Object.entries(STATES).flatMap(([kind, words]) =>
    shown.has(kind) ? [{ kind, ...words }] : [],
  )
  return lanes('Replicas', all, time) + legend(words)
}

function stepChart({ steps }: Report, time: Time): string {
  const kinds = [...new Set(steps.map(({ kind }) => kind))]
  const words = kinds.map((kind) => ({ kind, word: kind, means: KINDS[kind] }))
  return lanes('Steps', stepLanes(steps), time) + legend(words)
}

function failures(failed: readonly Sample[]): string {
  if (failed.length === 0) return '<p class="failures">No request failed.</p>'
  const rows = failed.map(({ due, error, during }) => [clock(due), error, during])
  return tableOf(['when (UTC)', 'error', 'during'], rows, 'Failed requests', 'failures')
}
