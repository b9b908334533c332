/** Log lines of the containers, and how people read them. */
import { withoutPasswords } from '../cli/errors.mts'
import { jsonIn } from '../host/facts.mts'

export interface Line {
  /** Of several hosts, the one that it is from; else empty. */
  host: string
  /** Name without the project: `app-3`, `lb`. */
  container: string
  service: string
  /** When the engine received it: ISO 8601, UTC, with nanoseconds. */
  at: string
  /** Whether it is an event of the container (started, stopped, removed), not a line of its log. */
  fate: boolean
  text: string
}

/** The character before an event of a container (logs.sh). */
const FATE = '\u0001'

/**
 * @param line what logs.pl prints: container, service, time and text; undefined for anything else
 * @param host its name, where there are several
 */
export function parseLine(project: string, line: string, host = ''): Line | undefined {
  const [, name = '', service = '', at = '', said = ''] = /^([^\t]*)\t([^\t]*)\t(\S+) (.*)$/s.exec(line) ?? []
  if (!at) return undefined
  const own = name.startsWith(`${project}-`) ? name.slice(project.length + 1) : name
  const container = service === 'app' ? own : service
  const fate = said.startsWith(FATE)
  return { host, container, service, at, fate, text: withoutPasswords(fate ? said.slice(FATE.length) : said) }
}

/** The fields of a line of JSON; undefined for any other line. */
export const fieldsOf = (text: string) => jsonIn<Record<string, unknown>>(text)[0]

/** The text without its own time, which `moment` shows. */
export function readable({ service, text, fate }: Line): string {
  if (fate) return `— ${text}`
  const fields = service === 'lb' || service === 'balancer' ? fieldsOf(text) : undefined
  if (!fields)
    return text.replace(/^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z|[+-]\d\d:?\d\d)?\]? +/, '')
  return service === 'lb' ? request(fields) : failure(fields)
}

/** A line of nginx: a request. */
const request = ({ status, method, uri, seconds, replica, release }: Record<string, unknown>) =>
  [status, method, uri, `${seconds} s`, replica || 'no replica', release].filter(Boolean).join(' ')

/** A line of HAProxy, which logs failed requests only. */
const failure = ({ status, method, page, milliseconds, reason, replica, error }: Record<string, unknown>) =>
  [status, method, page, `${Number(milliseconds) / 1000} s`, replica, reason, error].filter(Boolean).join(' ')

/** `11-26 00:41:04.123`: month, day and time of day. */
export const moment = ({ at }: Line) => at.slice(5, 23).replace('T', ' ')

/** Seconds of `90s`, `10m`, `2h`, `1d` or `1h30m`; undefined for anything else. */
export function spanOf(text: string): number | undefined {
  if (!/^(\d+[smhd])+$/.test(text)) return undefined
  const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce(
    (sum, [, n, unit = '']) => sum + Number(n) * (units[unit] ?? 0),
    0,
  )
}

/** The lines in the order of time. @param most the last so many lines of each service */
export function ordered(lines: readonly Line[], most = Number.POSITIVE_INFINITY): Line[] {
  const sorted = [...lines].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  const left = new Map<string, number>()
  const kept = sorted.reverse().filter(({ service }) => {
    const taken = left.get(service) ?? 0
    left.set(service, taken + 1)
    return taken < most
  })
  return kept.reverse()
}
