/**
 * The unit tests in one process, each file a suite: a process of its own would take 0.4 s of processor time for each. The
 * longest ones, which mostly wait for processes that they start, run beside it.
 */
import { readdirSync } from 'node:fs'
import { describe } from 'node:test'
import { isLong } from '../lib/choice.mts'

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.mts'))
for (const file of files.filter((name) => !isLong(`tests/unit/${name}`)))
  describe(`unit/${file.replace('.test.mts', '')}`, async () => {
    await import(`./${file}`)
  })
