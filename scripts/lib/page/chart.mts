/** Charts as inline SVG: bars, lines, and lanes of bands on one axis of time. Pure. */
import { across, moments, percent, type Scale, type Span } from './axis.mts'
import { html } from './html.mts'

/** What all charts of a page have in common. */
export interface Time {
  span: Span
  /** What the labels are counted from, in milliseconds since 1970. */
  origin: number
  /** A moment as the axis labels it. */
  label(time: number): string
}

/** A stretch of time in a lane. */
interface Band extends Span {
  /** Class that gives it its colour. */
  kind: string
  /** What it is, for the mouse and for a screen reader. */
  title: string
}

export interface Lane {
  name: string
  bands: Band[]
}

/** Pixels of a lane, and of the axis. */
const LANE = 22
const AXIS = 18

/**
 * A chart with its axes.
 * @param title what it shows
 * @param says  what a screen reader reads in place of the picture
 * @param body  the inside of its SVG
 */
export function chart(
  title: string,
  says: string,
  { height, y, ticks }: Scale,
  time: Time,
  body: string,
): string {
  const labels = ticks.map(({ value, text }) => `<text x="100%" y="${y(value) + 4}">${text}</text>`)
  const lines = ticks.map(
    ({ value }) => `<line class="grid" x2="100%" y1="${n(y(value))}" y2="${n(y(value))}"/>`,
  )
  return figure(title, says, height, labels.join(''), time, lines.join('') + body)
}

/** Lanes, one below the other. */
export function lanes(title: string, all: readonly Lane[], time: Time): string {
  const names = all.map(({ name }, row) => `<text x="100%" y="${row * LANE + 15}">${html(name)}</text>`)
  const bands = all.flatMap(({ bands }, row) =>
    bands.map((band) => {
      const [left, right] = [percent(time.span, band.from), percent(time.span, band.to)]
      const width = Math.max(0.3, right - left).toFixed(2)
      return `<rect class="band ${band.kind}" x="${left.toFixed(2)}%" y="${row * LANE + 3}" width="${width}%" height="${LANE - 6}" rx="2"><title>${html(band.title)}</title></rect>`
    }),
  )
  const says = all.map(
    ({ name, bands }) => `${name}: ${bands.map((band) => band.title).join(', ') || 'nothing'}`,
  )
  return figure(
    title,
    `${title}. ${says.join('. ')}.`,
    all.length * LANE,
    names.join(''),
    time,
    bands.join(''),
  )
}

function figure(
  title: string,
  says: string,
  height: number,
  labels: string,
  time: Time,
  body: string,
): string {
  const ticks = moments(time.span, time.origin).map((moment) => {
    const at = across(time.span, moment)
    return `<line class="grid" x1="${at}" x2="${at}" y2="${height}"/><text x="${at}" y="${height + 14}">${html(time.label(moment))}</text>`
  })
  const size = `height="${height + AXIS}"`
  return `<figure class="chart"><figcaption>${html(title)}</figcaption><svg class="labels" aria-hidden="true" ${size}>${labels}</svg><svg class="plot" role="img" aria-label="${html(says)}" ${size}>${ticks.join('')}${body}<line class="axis" x2="100%" y1="${height}" y2="${height}"/></svg></figure>`
}

/** A part of a bar. */
interface Part {
  kind: string
  value: number
  title: string
}

/** A bar whose parts lie one on the other. */
export function bar(span: Span, { from, to }: Span, scale: Scale, parts: readonly Part[]): string {
  const [left, right] = [percent(span, from), percent(span, to)]
  const at = `x="${left.toFixed(2)}%" width="${Math.max(0.05, (right - left) * 0.94).toFixed(2)}%"`
  let below = 0
  return parts
    .map(({ kind, value, title }) => {
      const bottom = scale.y(below)
      below += value
      const top = scale.y(below)
      return `<rect class="${kind}" ${at} y="${n(top)}" height="${n(bottom - top)}"><title>${html(title)}</title></rect>`
    })
    .join('')
}

/** What a line says of a stretch of time. */
export interface Point extends Span {
  value: number
}

/** A line in steps; where there are no points, there is none. */
export function line(span: Span, scale: Scale, points: readonly Point[], kind: string): string {
  let end = Number.NaN
  const path = points.map(({ from, to, value }) => {
    const [left, right] = [percent(span, from) * 10, percent(span, to) * 10].map(n)
    const joined = from === end
    end = to
    return `${joined ? 'L' : 'M'}${left} ${n(scale.y(value))}H${right}`
  })
  return `<svg width="100%" height="${scale.height}" viewBox="0 0 1000 ${scale.height}" preserveAspectRatio="none"><path class="line ${kind}" d="${path.join('')}"/></svg>`
}

/** Explains words that stand in a chart, each beside its colour. */
export function legend(words: readonly { kind: string; word: string; means: string }[]): string {
  const items = words.map(
    ({ kind, word, means }) =>
      `<div><dt><svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="band ${kind}" width="12" height="12" rx="2"/></svg> ${html(word)}</dt><dd>${html(means)}</dd></div>`,
  )
  return `<dl class="legend">${items.join('')}</dl>`
}

const n = (value: number) => value.toFixed(1)
