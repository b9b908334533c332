/** The axes of a chart. Time is measured in percent of the width, so that a chart fits a phone and its text stays readable. */

/** From left to right, in milliseconds since 1970. */
export interface Span {
  from: number
  to: number
}

/** Of a value: pixels from the top, and the lines that are labelled. */
export interface Scale {
  height: number
  y(value: number): number
  ticks: { value: number; text: string }[]
}

/** Labels that fit side by side on a phone. */
const MOST_TICKS = 4
/** Seconds between two of them. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]
/** Pixels above the highest value. */
const ABOVE = 8

/** Where a moment is, in percent; those outside of the span are at its end. */
export function percent({ from, to }: Span, time: number): number {
  return (Math.min(Math.max(time - from, 0), to - from) / Math.max(1, to - from)) * 100
}

/** The same as an attribute has it. */
export const across = (span: Span, time: number) => `${percent(span, time).toFixed(2)}%`

/**
 * The moments that are labelled.
 * @param origin what they are counted from, in milliseconds since 1970
 */
export function moments({ from, to }: Span, origin: number): number[] {
  const seconds = STEPS.find((step) => (to - from) / 1000 / step <= MOST_TICKS) ?? 7200
  const step = seconds * 1000
  const first = origin + Math.ceil((from - origin) / step) * step
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, n) => first + n * step)
}

/** From 0 to the next round number. @param unit with the blank before it: ` ms` */
export function linear(most: number, height: number, unit: string): Scale {
  const top = round(most)
  return {
    height,
    y: (value) => height - (value / top) * (height - ABOVE),
    ticks: [0, top / 2, top].map((value) => ({ value, text: `${value}${unit}` })),
  }
}

/** From 1 to the next power of ten: small and large values can be told apart. */
export function logarithmic(most: number, height: number, unit: string): Scale {
  const powers = Math.max(1, Math.ceil(Math.log10(Math.max(1, most))))
  return {
    height,
    y: (value) => height - (Math.log10(Math.max(1, value)) / powers) * (height - ABOVE),
    ticks: Array.from({ length: powers + 1 }, (_, power) => 10 ** power).map((value) => ({
      value,
      text: `${value.toLocaleString('en')}${unit}`,
    })),
  }
}

/** The next one of 1, 2, 4, 10, 20, 40, 100 …, whose half is round, too. */
function round(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)))
  return [1, 2, 4, 10].map((one) => one * power).find((one) => one >= most) ?? 1
}
