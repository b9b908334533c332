/** What `npm test` prints: node's own report, then the slowest tests and files, and last the runner's count. */
import path from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import type { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { table } from '../../scripts/lib/cli/table.mts'
import { ROOT } from '../../scripts/lib/config/config.mts'

export interface Timed {
  /** `stack/doors: the name of a test`, or a file alone. */
  name: string
  milliseconds: number
}

/** As much of the runner's events as is read here. */
interface Event {
  type: string
  data: {
    name?: string
    file?: string
    message?: string
    details?: { duration_ms?: number; type?: string }
  }
}

/** Prints what the runner reports. Returns whether every test passed. */
export async function report(running: ReturnType<typeof run>): Promise<boolean> {
  const tests: Timed[] = []
  const files: Timed[] = []
  const counts: string[] = []
  let passed = true
  async function* shown() {
    for await (const event of running as AsyncIterable<Event>) {
      if (event.type === 'test:fail') passed = false
      if (isFile(event)) files.push(timed(event))
      else if (isTest(event)) tests.push(timed(event))
      if (isCount(event)) counts.push(`ℹ ${event.data.message}\n`)
      else yield event
    }
  }
  for await (const text of Readable.from(shown()).pipe(new spec())) process.stdout.write(text)
  process.stdout.write(slowest('test (the first of a file: with what the file’s tests share)', tests, 20))
  process.stdout.write(slowest('file', files, 20))
  process.stdout.write(`\n${counts.join('')}`)
  return passed
}

/** A table of the longest, the longest first. */
export function slowest(what: string, all: Timed[], most: number): string {
  const longest = all.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, most)
  const rows = longest.map(({ name, milliseconds }) => [(milliseconds / 1000).toFixed(1), name])
  return `\n${table(['seconds', `slowest ${what}`], rows)}\n`
}

const isTest = ({ type, data }: Event) => type === 'test:complete' && data.details?.type !== 'suite'

/** The runner tells a file's end as it tells a test's: the name is the file's. In a group of unit tests, a file is a suite. */
const isFile = ({ type, data }: Event) =>
  type === 'test:complete' && (data.name === data.file || /^unit\/[\w-]+$/.test(data.name ?? ''))

function timed(event: Event): Timed {
  const { name = '', file = '', details } = event.data
  const short = path.relative(path.join(ROOT, 'tests'), file).replace(/\.(test|long)\.mts$/, '')
  const shown = !isFile(event) ? `${short}: ${name}` : name === file ? short : name
  return { name: shown, milliseconds: details?.duration_ms ?? 0 }
}

/** The runner's own last lines belong to no file. */
const isCount = ({ type, data }: Event) => type === 'test:diagnostic' && data.file === undefined
