/** The facts of status, as its script prints them on a healthy server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stackSchema } from '../../scripts/lib/config/config.mts'
import { defaults } from '../../scripts/lib/config/schema.mts'
import { alarmsOf } from '../../scripts/lib/status/alarms.mts'
import { type Facts, parseFacts } from '../../scripts/lib/status/status.mts'

export const stack = defaults(stackSchema)
export const NOW = Date.parse('2026-11-26T12:00:00Z')

export const started = (ago: number) => ({ StartedAt: new Date(NOW - ago).toISOString() })

export const container = (service: string, number: number, more: object = {}, restarts = 0) =>
  `container\t${JSON.stringify({
    Id: `${service}${number}`,
    Name: `/prusa-${service}-${number}`,
    RestartCount: restarts,
    State: {
      Running: true,
      Restarting: false,
      StartedAt: '2026-11-26T10:00:00Z',
      FinishedAt: '2026-11-26T11:59:00Z',
      ExitCode: 0,
      ...more,
    },
    Image: 'prusa/app:9dbc',
    Labels: { 'com.docker.compose.service': service, 'prusa.target': '9dbc-01234567' },
    NetworkSettings: { Networks: { prusa_frontend: { IPAddress: `10.0.0.${number}` } } },
  })}`

const LINES = [
  `now\t${NOW}`,
  ...['balancer', 'db', 'dbport', 'lb', 'redis'].map((service) => container(service, 1)),
  container('app', 1),
  container('app', 2),
  'usage\tprusa-app-1\t50000000\t1000000000\t1000',
  'usage\tprusa-app-1\t60000000\t1100000000\t1500',
  'place\tapp1\t10.0.0.1\t2\t100\t3\t10\t0\tLayer7 check passed 200',
  'place\tapp2\t10.0.0.2\t2\t100\t0\t10\t0\tLayer7 check passed 200',
  'traffic\t3000\t3\t0.004\t0.019\t300\t1',
  'database\t8000000\t7\t100\t12\t4711\tapp\tactive',
  'redis\t1500000\t3',
  'answers\tyes',
  'disk\t50000000000\t100000000000\t/',
  'memory\t2000000000\t4000000000',
  `history\t${JSON.stringify({ when: '2026-11-26T10:00:00Z', who: 'carl', from: 'aaaa', to: '9dbc', toTarget: '9dbc-01234567', result: 'released', requests: 278, failed: 0, slowestMs: 41, seconds: 13.9, schemaChanged: false })}`,
  'replicas\t2',
  'mode\tdebian',
  'secrets\t0123',
  'revision\t9dbc-01234567\t0123456789abcdef0123456789abcdef01234567',
]

/** The facts with some lines in place of those that begin alike, or besides. */
export function facts(...others: string[]): Facts {
  const replaced = (line: string) => others.some((other) => other.startsWith(line.split('\t')[0] as string))
  return parseFacts(stack, [...LINES.filter((line) => !replaced(line)), ...others].join('\n'))
}

/** The alarms as text; one that is not grave begins with an exclamation mark. */
export const alarms = (found: Facts) =>
  alarmsOf(stack, found, NOW).map(({ what, next, grave }) => `${grave ? '' : '! '}${what} | ${next}`)

/** A test for each: what is wrong, the facts, and the alarms that there are. */
export function testAlarms(cases: [what: string, found: Facts, ...alarms: RegExp[]][]): void {
  for (const [what, found, ...expected] of cases)
    test(what, () => {
      const told = alarms(found)
      for (const [index, one] of expected.entries()) assert.match(told[index] ?? '', one)
      assert.equal(told.length, expected.length, told.join('\n'))
    })
}
