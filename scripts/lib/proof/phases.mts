/** The requests before, while and after a rollout exchanges replicas, side by side. Pure. */
import { tableOf } from '../page/html.mts'
import { type Sample, summarize } from './probe.mts'
import type { Step } from './timeline.mts'

interface Phase {
  name: string
  samples: readonly Sample[]
}

/** Before the balancer sends a request to a fresh replica, until it has ceased to send any to the old ones, and after that. */
export function phasesOf(steps: readonly Step[], samples: readonly Sample[]): Phase[] {
  const swaps = steps.filter(({ kind }) => kind === 'swap')
  const first = Math.min(...swaps.map(({ from }) => from))
  const last = swaps.length > 0 ? Math.max(...swaps.map(({ to }) => to)) : first
  return [
    { name: 'before', samples: samples.filter(({ due }) => due < first) },
    { name: 'during', samples: samples.filter(({ due }) => due >= first && due <= last) },
    { name: 'after', samples: samples.filter(({ due }) => due > last) },
    { name: 'in all', samples },
  ]
}

const EXPLAINED =
  'Before: the balancer sends requests only to the old replicas. During: it exchanges them. After: it sends requests only to the fresh ones.'

export function phaseTable(phases: readonly Phase[]): string {
  const all = phases.map(({ samples }) => summarize(samples))
  const row = (name: string, value: (one: (typeof all)[number]) => string) => [
    name,
    ...all.map((one) => (one.requests > 0 || name === 'requests' ? value(one) : '–')),
  ]
  const rows = [
    row('requests', ({ requests }) => requests.toLocaleString('en')),
    row('failed', ({ failed }) => String(failed.length)),
    row('p50', ({ p50 }) => `${p50} ms`),
    row('p99', ({ p99 }) => `${p99} ms`),
    row('slowest', ({ slowest }) => `${slowest} ms`),
  ]
  const table = tableOf(['', ...phases.map(({ name }) => name)], rows, 'Requests of the probe', 'phases')
  return `<div class="wide" role="region" aria-label="Requests of the probe" tabindex="0">${table}</div><p>${EXPLAINED}</p>`
}
